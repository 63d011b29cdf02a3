namespace GpuScheduler.Extender.Decisions;

/// <summary>What is remembered of decisions.</summary>
public sealed class DecisionSettings
{
    /// <summary>How many decisions are remembered in memory.</summary>
    public int History { get; set; } = 4096;

    /// <summary>Most clients that follow decisions as they happen (GET /v1/events); one more is turned away.</summary>
    public int Listeners { get; set; } = 16;

    /// <summary>Adds what is wrong.</summary>
    internal void Check(List<string> errors)
    {
        if (History is < 16 or > 1_000_000)
        {
            errors.Add($"Decisions:History is {History}: 16 to 1000000 is allowed");
        }

        if (Listeners is < 0 or > 1000)
        {
            errors.Add($"Decisions:Listeners is {Listeners}: 0 to 1000 is allowed");
        }
    }
}
