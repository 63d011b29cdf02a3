using System.Diagnostics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Extender.Wire;
using GpuScheduler.V1;
using RpcException = global::Grpc.Core.RpcException;
using ServerCallContext = global::Grpc.Core.ServerCallContext;

namespace GpuScheduler.Extender.Grpc;

/// <summary>The verbs over gRPC: the same engine, the same reasons and scores as over HTTP.</summary>
internal sealed class SchedulerExtenderService(VerbProcessor verbs, BindHandler binder, Readiness readiness, ExtenderMetrics metrics) : SchedulerExtender.SchedulerExtenderBase
{
    public override Task<FilterResponse> Filter(FilterRequest request, ServerCallContext context) => Measured("filter", () =>
    {
        var pod = PodMessage.Read(request.Pod, "pod", verbs.Dialects);
        var response = new FilterResponse();
        var snapshot = verbs.Snapshot;
        var names = request.NodeNames.Distinct(StringComparer.Ordinal).ToArray();
        var statuses = new Status[names.Length];
        var outcome = verbs.Filter(pod, snapshot, Positions(snapshot, names), statuses);
        if (outcome == Outcome.Invalid)
        {
            response.Error = pod.Invalid!;
            return (response, outcome);
        }

        for (var i = 0; i < statuses.Length; i++)
        {
            switch (statuses[i].Code)
            {
                case StatusCode.Success:
                    response.NodeNames.Add(names[i]);
                    break;
                case StatusCode.Unschedulable:
                    response.FailedNodes[names[i]] = statuses[i].Reason;
                    break;
                default:
                    // As over HTTP: that a pod is decided for one node is no fault of the others.
                    if (statuses[i] != Reasons.DecidedElsewhere)
                    {
                        response.FailedAndUnresolvableNodes[names[i]] = statuses[i].Reason;
                    }

                    break;
            }
        }

        return (response, outcome);
    });

    public override Task<PrioritizeResponse> Prioritize(PrioritizeRequest request, ServerCallContext context) => Measured("prioritize", () =>
    {
        var pod = PodMessage.Read(request.Pod, "pod", verbs.Dialects);
        var snapshot = verbs.Snapshot;
        var names = request.NodeNames.Distinct(StringComparer.Ordinal).ToArray();
        var scores = new int[names.Length];
        verbs.Prioritize(pod, snapshot, Positions(snapshot, names), scores);
        var response = new PrioritizeResponse();
        response.HostPriorities.AddRange(names.Select((name, i) => new HostPriority { Host = name, Score = scores[i] }));
        return (response, Outcome.Ok);
    });

    public override Task<PreemptResponse> Preempt(PreemptRequest request, ServerCallContext context) => Measured("preempt", () =>
    {
        var pod = PodMessage.Read(request.Pod, "pod", verbs.Dialects);
        var candidates = request.NodeNameToVictims.Select(c => new PreemptionCandidate(c.Key, [.. c.Value.PodUids], c.Value.NumPdbViolations)).ToList();
        var response = new PreemptResponse();
        foreach (var candidate in verbs.Preempt(pod, candidates))
        {
            response.NodeNameToVictims[candidate.Node] = new Victims { NumPdbViolations = candidate.PdbViolations, PodUids = { candidate.VictimUids } };
        }

        return (response, response.NodeNameToVictims.Count > 0 ? Outcome.Ok : Outcome.Unschedulable);
    });

    public override async Task<BindResponse> Bind(BindRequest request, ServerCallContext context)
    {
        var start = Stopwatch.GetTimestamp();
        ThrowUnlessActive(begins: false);
        using var call = readiness.Enter();
        foreach (var (field, value) in new[] { ("pod_name", request.PodName), ("pod_namespace", request.PodNamespace), ("pod_uid", request.PodUid), ("node", request.Node) })
        {
            if (value.Length == 0)
            {
                throw PodMessage.Invalid($"{field} must not be empty");
            }
        }

        var answer = await binder.BindAsync(new BindingArgs(request.PodName, request.PodNamespace, request.PodUid, request.Node));
        metrics.Decided("bind", answer.Error.Length == 0 ? Outcome.Ok : Outcome.Unschedulable, Stopwatch.GetElapsedTime(start));
        return new BindResponse { Error = answer.Error, AssignedDevices = answer.Devices.Devices.IsEmpty ? "" : answer.Devices.ToAnnotation() };
    }

    private Task<T> Measured<T>(string verb, Func<(T Response, string Outcome)> call)
    {
        var start = Stopwatch.GetTimestamp();
        ThrowUnlessActive(begins: verb is "filter" or "preempt");
        using var entered = readiness.Enter();
        var (response, outcome) = call();
        metrics.Decided(verb, outcome, Stopwatch.GetElapsedTime(start));
        return Task.FromResult(response);
    }

    private void ThrowUnlessActive(bool begins)
    {
        if (readiness.Refusal(begins) is { } refusal)
        {
            throw new RpcException(new global::Grpc.Core.Status(global::Grpc.Core.StatusCode.Unavailable, refusal));
        }
    }

    private static int[] Positions(Snapshot snapshot, string[] names) => Array.ConvertAll(names, snapshot.Index.Find);
}
