using System.Collections.Immutable;
using System.Text.RegularExpressions;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Observability;

/// <summary>What is demanded at a moment: by pods that run and by those that wait, in the units of <see cref="PendingWork"/>.</summary>
/// <param name="RunningMilli">Of pods that are on a node or on their way there, in milli-GPU.</param>
/// <param name="WaitingMilli">Of pods that wait, in milli-GPU.</param>
/// <param name="ByModel">Both, by the models that pods name (see <see cref="ModelOf"/>); those that name none are in no entry.</param>
internal sealed partial record GpuDemand(long RunningMilli, long WaitingMilli, ImmutableSortedDictionary<string, long> ByModel)
{
    /// <summary>Longest value of a label in Kubernetes.</summary>
    private const int MostCharacters = 63;

    /// <summary>All of it.</summary>
    public static GpuDemand Of(ClusterState cluster)
    {
        var card = PendingWork.CardMiB(cluster.Current);
        var (running, waiting) = (0L, 0L);
        var models = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var pod in cluster.Pods)
        {
            var waits = PendingWork.Waits(cluster, pod);
            if (!waits && (pod.IsTerminal || !pod.Request.WantsGpu || (pod.NodeName is null && !pod.WaitsForGpus)))
            {
                continue;
            }

            var milli = PendingWork.MilliOf(pod.Request, card);
            (running, waiting) = waits ? (running, waiting + milli) : (running + milli, waiting);
            if (ModelOf(pod.Request) is { } model)
            {
                models[model] = models.GetValueOrDefault(model) + milli;
            }
        }

        return new GpuDemand(running, waiting, models.ToImmutableSortedDictionary(StringComparer.Ordinal));
    }

    /// <summary>The models that a request names as one word, which a label can hold: "A100", "A100_or_H100". Null when it names none, or more than that holds.</summary>
    public static string? ModelOf(GpuRequest request)
    {
        if (request.Models.IsEmpty)
        {
            return null;
        }

        var word = string.Join("_or_", request.Models.Select(m => NotInLabels().Replace(m.Trim().ToUpperInvariant(), "-").Trim('-', '.', '_')).Where(m => m.Length > 0).Distinct().Order(StringComparer.Ordinal));
        return word.Length is > 0 and <= MostCharacters ? word : null;
    }

    [GeneratedRegex("[^A-Z0-9._-]")]
    private static partial Regex NotInLabels();
}
