namespace GpuScheduler.Core.Gangs;

/// <summary>How gangs are planned and held together.</summary>
public sealed record GangOptions
{
    /// <summary>Finds the places.</summary>
    public IGangPlacer Placer { get; init; } = new ExactGangPlacer();

    /// <summary>How long planned places are held without a sign of life from a member: a filter, or a bind that waits for the others.</summary>
    public TimeSpan PlanHold { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the first member at bind waits for the others. With the bind itself it has to stay below the time that kube-scheduler allows a call.</summary>
    public TimeSpan BarrierTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long one plan may be thought about.</summary>
    public TimeSpan SolveLimit { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// How long a gang whose members did not come in time leaves its devices to others before it is planned again; it doubles with every
    /// such failure in a row, up to 32 times as much.
    /// </summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Hears of what happens; null when nobody does.</summary>
    public IGangObserver? Observer { get; init; }
}
