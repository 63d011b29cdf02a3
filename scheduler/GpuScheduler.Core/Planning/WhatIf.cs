using System.Collections.Immutable;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Planning;

/// <summary>Where pods would go that are not there yet, if they came now and nothing before them.</summary>
/// <param name="Outcomes">What becomes of each gang and pod, in the order in which they were placed.</param>
/// <param name="Incomplete">Gangs that would not be complete or could not be used, each with the reason.</param>
/// <param name="Notes">What stands against it in the cluster as it is, in words.</param>
public sealed record WhatIf(ImmutableArray<WorkOutcome> Outcomes, ImmutableArray<(string Gang, string Reason)> Incomplete, ImmutableArray<string> Notes)
{
    /// <summary>True when all of them would have a place.</summary>
    public bool AllFit => Incomplete.IsEmpty && Outcomes.All(o => o.IsPlaced);

    /// <summary>Tries it on a copy of the cluster.</summary>
    /// <param name="live">The engine whose cluster it is about. It is left as it is.</param>
    /// <param name="pods">The pods.</param>
    /// <param name="objects">Objects that declare groups of them.</param>
    public static WhatIf Of(SchedulingEngine live, IReadOnlyCollection<PodInfo> pods, IEnumerable<GroupObject> objects)
    {
        ArgumentNullException.ThrowIfNull(live);
        ArgumentNullException.ThrowIfNull(pods);
        ArgumentNullException.ThrowIfNull(objects);
        var rehearsal = Rehearsal.Of(live);
        foreach (var item in objects)
        {
            rehearsal.Cluster.UpsertGroupObject(item);
        }

        rehearsal.Add(pods);
        var incomplete = pods.Select(p => p.Gang?.Key).OfType<GangKey>().Distinct().Select(rehearsal.Cluster.FindGroup)
            .Where(g => g is { Standing: PodGroupStanding.Waiting or PodGroupStanding.Invalid }).Select(g => (g!.Key.ToString(), g.Reason)).ToImmutableArray();
        var outcomes = rehearsal.Place(rehearsal.ItemsOf(pods));
        var used = outcomes.SelectMany(o => o.Places).Select(p => p.Node).ToHashSet(StringComparer.Ordinal);
        var notes = (live.Gangs?.List() ?? []).Select(g => (g.Group.Key, Nodes: g.KeptNodes.Count(used.Contains))).Where(g => g.Nodes > 0)
            .Select(g => $"{g.Nodes} of these nodes are kept for gang {g.Key}, which is due next: what is not more urgent waits for it").ToImmutableArray();
        return new WhatIf(outcomes, incomplete, notes);
    }
}
