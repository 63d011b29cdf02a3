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

    /// <summary>
    /// Nodes are kept for the gang that is due next and has no place: others that are not more urgent get only what it cannot use. False
    /// lets everybody have what is free, so that a large gang may wait for as long as small pods keep coming.
    /// </summary>
    public bool KeepForNext { get; init; } = true;

    /// <summary>
    /// How long nodes are kept for one gang. Then it is the turn of the next one, and when all that wait have had theirs nothing is kept for
    /// as long again. A gang whose turn is over is still placed, in its order, as soon as there is room.
    /// </summary>
    public TimeSpan KeepLimit { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Pods of lower priority are removed for a gang that has no place, where that gives it one. The host then has to delete what
    /// <see cref="GangScheduler.TakeToEvict"/> gives, and <see cref="Placer"/> has to be an <see cref="IGangSolver"/>.
    /// </summary>
    public bool Preempts { get; init; }

    /// <summary>How long the nodes are kept from which pods are removed: as long as these may take to end, and the gang to be placed.</summary>
    public TimeSpan EvictionHold { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long the place of a bound member that is gone is kept for the one that replaces it, when the gang lacks members without it and others of
    /// it run on: as long as a controller takes to make another pod. Zero leaves it to whoever comes first.
    /// </summary>
    public TimeSpan ReplaceHold { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Several waiting gangs are planned together for at most this long, beside everything else; zero to plan one after another.</summary>
    public TimeSpan BatchLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// When several are planned together, the most GPUs times priority win. False: only once the gang that is due next has its place, if there is
    /// one for it.
    /// </summary>
    public bool WeightDecides { get; init; }

    /// <summary>Runs what takes long beside everything else; null for a thread of its own.</summary>
    public Func<Func<GangBatchPlan>, Task<GangBatchPlan>>? Background { get; init; }

    /// <summary>Hears of what happens; null when nobody does.</summary>
    public IGangObserver? Observer { get; init; }
}
