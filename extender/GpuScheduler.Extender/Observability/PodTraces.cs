using System.Diagnostics;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Observability;

/// <summary>
/// A trace of each pod from its first filter to its bind, and of each gang from its first member to the moment at which all may be bound.
/// Without a listener, which is without Otlp:Endpoint, nothing is made and nothing kept.
/// </summary>
internal sealed class PodTraces : IDisposable
{
    public const string SourceName = "GpuScheduler.Extender";

    /// <summary>Name of the tag with the node.</summary>
    public const string Node = "k8s.node.name";

    /// <summary>Name of the tag with the devices, as the pod's annotation has them.</summary>
    public const string Devices = "gpuscheduler.devices";

    /// <summary>Name of the tag with namespace and name of the gang.</summary>
    public const string Gang = "gpuscheduler.gang";

    /// <summary>Most pods, and most gangs, that have an open trace.</summary>
    private const int MostOpen = 4096;

    private static readonly TimeSpan s_idle = TimeSpan.FromHours(1);

    private readonly ActivitySource _source = new(SourceName, ClusterMetricsService.Version);
    private readonly TimeProvider _time;
    private readonly OpenSpans<string> _pods;
    private readonly OpenSpans<GangKey> _gangs;

    public PodTraces(TimeProvider time)
    {
        _time = time;
        _pods = new OpenSpans<string>(MostOpen, s_idle, time);
        _gangs = new OpenSpans<GangKey>(MostOpen, s_idle, time);
    }

    /// <summary>Begins the span of a verb in the trace of a pod; null when nobody listens.</summary>
    public PodSpan? Begin(string verb, PodInfo pod) => _source.HasListeners() ? Begin(verb, pod.Uid, pod.Namespace, pod.Name, pod.Gang?.Key) : null;

    /// <summary>Begins the span of a bind, which names a pod alone.</summary>
    public PodSpan? BeginBind(string uid, string podNamespace, string podName) => _source.HasListeners() ? Begin("bind", uid, podNamespace, podName, null) : null;

    /// <summary>A plan was made, or could not be.</summary>
    public void GangPlanned(GangKey gang, Proof proof, TimeSpan took)
    {
        if (!_source.HasListeners() || OfGang(gang) is not { } whole)
        {
            return;
        }

        using var span = _source.StartActivity("plan", ActivityKind.Internal, whole.Context, startTime: _time.GetUtcNow() - took);
        span?.SetTag("gpuscheduler.proof", proof.Status.ToString().ToLowerInvariant()).SetTag("gpuscheduler.method", proof.Method).SetTag("gpuscheduler.gap_percent", proof.GapPercent);
        if (proof.Why.Length > 0)
        {
            span?.SetTag("gpuscheduler.why", proof.Why);
        }
    }

    /// <summary>Members go on to be bound, which ends the trace of the gang.</summary>
    public void GangOpened(GangKey gang, int members, TimeSpan waited)
    {
        if (_source.HasListeners() && _gangs.Take(gang) is { } whole)
        {
            whole.SetTag("gpuscheduler.members", members).SetTag("gpuscheduler.barrier_seconds", waited.TotalSeconds);
            Detached.End(whole);
        }
    }

    /// <summary>A gang gave its places back, and goes on waiting.</summary>
    public void GangReleased(GangKey gang, string why)
    {
        if (_source.HasListeners())
        {
            _gangs.Find(gang)?.AddEvent(new ActivityEvent("released", tags: new ActivityTagsCollection { ["gpuscheduler.why"] = why }));
        }
    }

    /// <summary>A pod is bound, which ends its trace.</summary>
    public void PodBound(string uid, string node, DeviceAssignment devices)
    {
        if (_pods.Take(uid) is { } whole)
        {
            whole.SetTag(Node, node).SetTag(Devices, devices.ToAnnotation());
            Detached.End(whole);
        }
    }

    /// <summary>Ends all that is open.</summary>
    public void EndAll()
    {
        const string Why = "the service stopped";
        _pods.Clear(Why);
        _gangs.Clear(Why);
    }

    public void Dispose() => _source.Dispose();

    private PodSpan? Begin(string verb, string uid, string podNamespace, string podName, GangKey? gang)
    {
        var group = gang is { } key ? OfGang(key) : null;
        var whole = _pods.FindOrAdd(uid, () => Detached.Start(_source, "pod", group is null ? null : [new ActivityLink(group.Context)]), out var isNew);
        if (whole is null)
        {
            return null;
        }

        if (isNew)
        {
            whole.SetTag("k8s.pod.uid", uid).SetTag("k8s.namespace.name", podNamespace).SetTag("k8s.pod.name", podName);
            if (group is not null)
            {
                whole.SetTag(Gang, gang.ToString());
                group.AddLink(new ActivityLink(whole.Context));
            }
        }

        return _source.StartActivity(verb, ActivityKind.Server, whole.Context) is { } span ? new PodSpan(span, this, uid) : null;
    }

    private Activity? OfGang(GangKey gang)
    {
        var whole = _gangs.FindOrAdd(gang, () => Detached.Start(_source, "gang"), out var isNew);
        return isNew ? whole?.SetTag(Gang, gang.ToString()).SetTag("gpuscheduler.dialect", gang.Dialect) : whole;
    }
}
