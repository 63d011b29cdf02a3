namespace GpuScheduler.Simulator.Runs;

/// <summary>How long pods or gangs waited until they started.</summary>
/// <param name="Ms">The waits of those that started, in milliseconds, ascending.</param>
/// <param name="Arrived">How many arrived; the others never started.</param>
internal sealed record Waits(IReadOnlyList<long> Ms, int Arrived)
{
    /// <summary>How many never started.</summary>
    public int NeverStarted => Arrived - Ms.Count;

    /// <summary>Mean wait of those that started, in milliseconds; 0 without any.</summary>
    public double MeanMs => Ms.Count > 0 ? Ms.Average() : 0;

    /// <summary>
    /// The wait, in milliseconds, that so large a part of them did not exceed (nearest rank); those that never started waited longest:
    /// infinity when they reach that far down.
    /// </summary>
    public double Quantile(double part)
    {
        var rank = (int)Math.Ceiling(part * Arrived) - 1;
        return Arrived == 0 ? 0 : rank >= Ms.Count ? double.PositiveInfinity : Ms[Math.Max(rank, 0)];
    }
}
