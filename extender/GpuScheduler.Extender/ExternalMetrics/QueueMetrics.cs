using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Extender.Observability;

namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>The queue as values for autoscalers, of one namespace and of the cluster. All values are there even if nothing waits: an autoscaler needs the 0.</summary>
internal sealed class QueueMetrics(ClusterState cluster, GangWaits waits, TimeProvider time) : IMetricSource
{
    public const string PendingPods = "gpu_scheduler_pending_pods";
    public const string WaitingGpus = "gpu_scheduler_waiting_gpus";
    public const string WaitingGangs = "gpu_scheduler_waiting_gangs";
    public const string GangWaitSeconds = "gpu_scheduler_gang_wait_seconds";

    /// <summary>Label: whose values they are, <see cref="OfNamespace"/> or <see cref="OfCluster"/>.</summary>
    public const string Scope = "scope";

    /// <summary>Of the namespace that is asked for; what one gets without a word on the scope.</summary>
    public const string OfNamespace = "namespace";

    /// <summary>Of all namespaces together.</summary>
    public const string OfCluster = "cluster";

    private static readonly GangState[] s_states = [GangState.Waiting, GangState.Invalid, GangState.Unplaced, GangState.Planned, GangState.Binding];

    public ImmutableArray<string> Names { get; } = [PendingPods, WaitingGpus, WaitingGangs, GangWaitSeconds];

    public IReadOnlyList<ExternalMetric>? Find(string name, string podNamespace, LabelSelector selector)
    {
        if (!Names.Contains(name))
        {
            return null;
        }

        var all = Of(name, OfNamespace, n => n == podNamespace).Concat(Of(name, OfCluster, _ => true));
        return [.. all.Where(m => selector.Matches(m.Labels) && (selector.Names(Scope) || m.Labels[Scope] == OfNamespace))];
    }

    private IEnumerable<ExternalMetric> Of(string name, string scope, Func<string, bool> isAsked)
    {
        if (name is PendingPods or WaitingGpus)
        {
            var pending = PendingWork.Of(cluster).Where(p => isAsked(p.Namespace)).ToList();
            return new[] { PendingWork.Gang, PendingWork.Single }.Select(kind => Make(
                scope, pending.Where(p => p.Kind == kind).Sum(p => name == PendingPods ? 1000L * p.Pods : p.Milli), ("kind", kind)));
        }

        var gangs = waits.Current.Where(w => isAsked(w.Gang.Namespace)).ToList();
        return name == WaitingGangs
            ? s_states.Select(state => Make(scope, 1000L * gangs.Count(g => g.State == state), ("state", state.ToString().ToLowerInvariant())))
            : [Make(scope, gangs.Where(g => g.State != GangState.Invalid).Select(g => (long)(time.GetUtcNow() - g.Since).TotalMilliseconds).DefaultIfEmpty().Max())];
    }

    private static ExternalMetric Make(string scope, long milli, params ReadOnlySpan<(string Key, string Value)> labels)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal) { [Scope] = scope };
        foreach (var (key, value) in labels)
        {
            all[key] = value;
        }

        return new ExternalMetric(all, milli);
    }
}
