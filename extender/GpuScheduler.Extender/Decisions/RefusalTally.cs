using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Extender.Decisions;

/// <summary>Counts refusals by reason: one pass over the statuses, and nothing allocated but the answer.</summary>
internal static class RefusalTally
{
    /// <summary>More than there are kinds of <see cref="Status"/>; one beyond would not be counted.</summary>
    private const int MostKinds = 128;

    private const int MostExamples = 3;

    /// <summary>The refusals, the most frequent first.</summary>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes, -1 for one that is not known.</param>
    /// <param name="statuses">A status for each.</param>
    public static ImmutableArray<Refusal> Count(Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<Status> statuses)
    {
        Span<int> counts = stackalloc int[MostKinds];
        Span<int> examples = stackalloc int[MostKinds * MostExamples];
        counts.Clear();
        var kinds = 0;
        for (var i = 0; i < statuses.Length; i++)
        {
            var id = statuses[i].Id;
            if (statuses[i].IsSuccess || id >= MostKinds)
            {
                continue;
            }

            var count = counts[id]++;
            kinds += count == 0 ? 1 : 0;
            if (count < MostExamples)
            {
                examples[(id * MostExamples) + count] = i;
            }
        }

        if (kinds == 0)
        {
            return [];
        }

        var refusals = new Refusal[kinds];
        for (var id = 0; id < MostKinds; id++)
        {
            if (counts[id] > 0)
            {
                var named = examples.Slice(id * MostExamples, Math.Min(counts[id], MostExamples));
                var status = statuses[named[0]];
                refusals[--kinds] = new Refusal(
                    status.Reason,
                    status.Code == StatusCode.Unschedulable,
                    status.Code is StatusCode.Unschedulable or StatusCode.Wait || status.Kind == Reasons.Held || status.Kind == Reasons.DecidedElsewhere,
                    counts[id],
                    NameOf(snapshot, candidates[named[0]]),
                    named.Length > 1 ? NameOf(snapshot, candidates[named[1]]) : null,
                    named.Length > 2 ? NameOf(snapshot, candidates[named[2]]) : null);
            }
        }

        Array.Sort(refusals, static (a, b) => b.Nodes != a.Nodes ? b.Nodes.CompareTo(a.Nodes) : string.CompareOrdinal(a.Reason, b.Reason));
        return System.Runtime.InteropServices.ImmutableCollectionsMarshal.AsImmutableArray(refusals);
    }

    private static string? NameOf(Snapshot snapshot, int position) => position < 0 ? null : snapshot.Nodes[position]?.Facts.Name;
}
