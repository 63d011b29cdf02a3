namespace GpuScheduler.Simulator.Report;

/// <summary>Idle GPUs by what is left on the card that they are on. The one place of the classes' limits (milli-GPU; a card is 1000).</summary>
internal sealed record IdleByRemainder
{
    /// <summary>Names of the classes, least left first.</summary>
    public static IReadOnlyList<string> Classes { get; } = ["< 100", "100–199", "200–499", "500–899", "900–999", "whole card"];

    /// <summary>Idle GPUs (sum of the cards' free shares) of each class, in the order of <see cref="Classes"/>.</summary>
    public required IReadOnlyList<double> Gpus { get; init; }

    /// <summary>Sums up cards.</summary>
    /// <param name="freeMilli">What is left on each card, 0 to 1000; cards that are full count nothing.</param>
    /// <exception cref="ArgumentOutOfRangeException">A card with less than 0 or more than 1000 milli left.</exception>
    public static IdleByRemainder Of(IEnumerable<int> freeMilli)
    {
        ArgumentNullException.ThrowIfNull(freeMilli);
        var milli = new long[Classes.Count];
        foreach (var free in freeMilli)
        {
            if (ClassOf(free) is { } c)
            {
                milli[c] += free;
            }
        }

        return new IdleByRemainder { Gpus = [.. milli.Select(m => m / 1000.0)] };
    }

    /// <summary>The class of a card, or null for a full one.</summary>
    /// <param name="freeMilli">What is left on the card, 0 to 1000.</param>
    /// <exception cref="ArgumentOutOfRangeException">Less than 0 or more than 1000 milli.</exception>
    public static int? ClassOf(int freeMilli)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(freeMilli);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(freeMilli, 1000);
        return freeMilli switch { 0 => null, < 100 => 0, < 200 => 1, < 500 => 2, < 900 => 3, < 1000 => 4, _ => 5 };
    }
}
