using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>A workload before it is put into an order. Shared by all runs; never changes.</summary>
/// <param name="Name">Name as shown, and as replay files call it.</param>
/// <param name="Pods">The pods, in the order of the file.</param>
internal sealed record Trace(string Name, IReadOnlyList<TracePod> Pods)
{
    /// <summary>Where it comes from, in a sentence.</summary>
    public required string Source { get; init; }

    /// <summary>The file; null when it is generated.</summary>
    public string? File { get; init; }

    /// <summary>What a reader must know to judge results of it.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Positions of the pods that arrive in a fill-up run before any copies; the others are only there to be copied. Null for all.</summary>
    public IReadOnlySet<int>? Waiting { get; init; }

    /// <summary>What each pod asks for, members of gangs one by one.</summary>
    public IEnumerable<PodInfo> Templates => Pods.SelectMany(p => Enumerable.Repeat(p.Template, p.Members));

    /// <summary>True when every pod has a time of arrival.</summary>
    public bool HasArrivals => Pods.All(p => p.ArrivalMs != TracePod.NoTime);

    /// <summary>True when every pod says how long it runs.</summary>
    public bool HasDurations => Pods.All(p => p.DurationMs != TracePod.NoTime);

    /// <summary>Positions of the pods by name: the order from which shuffling starts.</summary>
    public ImmutableArray<int> ByName { get; } = [.. Enumerable.Range(0, Pods.Count).OrderBy(i => Pods[i].Name, StringComparer.Ordinal)];
}
