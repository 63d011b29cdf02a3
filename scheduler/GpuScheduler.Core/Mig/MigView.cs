using System.Collections.Immutable;

namespace GpuScheduler.Core.Mig;

/// <summary>Where changes of layouts stand, for inspection.</summary>
/// <param name="Changes">Those under way.</param>
/// <param name="Paused">Nodes ("node x") and configurations ("config x") that are left alone for a while: until when, and why.</param>
/// <param name="Waiting">Pods that count: they have asked for a MIG device for long enough and have no place.</param>
/// <param name="Passed">Pods that wait and for which no node is changed: members of gangs, and pods with several MIG devices.</param>
/// <param name="LastPlan">The last plan; null when there was none.</param>
/// <param name="History">What happened last, the oldest first.</param>
public sealed record MigView(
    ImmutableArray<MigChangeView> Changes,
    ImmutableSortedDictionary<string, (DateTimeOffset Until, string Why)> Paused,
    int Waiting,
    int Passed,
    MigClusterPlan? LastPlan,
    ImmutableArray<(DateTimeOffset At, MigNotice Notice)> History)
{
    /// <summary>Nothing yet.</summary>
    public static MigView Empty { get; } = new([], ImmutableSortedDictionary<string, (DateTimeOffset, string)>.Empty, 0, 0, null, []);
}
