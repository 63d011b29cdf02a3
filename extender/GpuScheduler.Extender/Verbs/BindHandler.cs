using System.Diagnostics;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Recordings;

namespace GpuScheduler.Extender.Verbs;

/// <summary>What became of a bind.</summary>
/// <param name="Error">Why the pod is not bound; "" when it is.</param>
/// <param name="Devices">The devices it holds, when it is.</param>
internal sealed record BindAnswer(string Error, DeviceAssignment Devices)
{
    public static BindAnswer Failed(string error) => new(error, DeviceAssignment.Empty);
}

/// <summary>
/// Binds: promises the devices in the ledger, posts the Binding with them as annotations in the same write, and then either commits
/// the promise or takes it back. Success is answered only when the API server has the pod on the node.
/// </summary>
internal sealed partial class BindHandler(SchedulingEngine engine, IPodBinder binder, RecentPods recent, SettingsInUse settings, ExtenderMetrics metrics, ILogger<BindHandler> log, INodeLock? nodeLock = null, TimeProvider? time = null, IWriteFence? fence = null, IDecisionRecorder? decisions = null, Recorder? recorder = null, PodTraces? traces = null, SimulatedPods? simulated = null)
{
    private readonly DialectSet _dialects = DialectSettingsReader.Read(settings.Options.Dialects);
    private readonly NodeTurns _turns = new();

    public async Task<BindAnswer> BindAsync(BindingArgs args)
    {
        simulated?.Binds(args.PodUid);
        using var span = traces?.BeginBind(args.PodUid, args.PodNamespace, args.PodName);
        var answer = await BindNowAsync(args);
        span?.Bound(args.Node, answer.Devices, answer.Error);
        return answer;
    }

    private async Task<BindAnswer> BindNowAsync(BindingArgs args)
    {
        // What is promised in one term is not bound in another, between which somebody else may have given the devices away.
        var term = CancellationToken.None;
        if (fence is not null && !fence.TryEnter(out term, out var fenced))
        {
            return BindAnswer.Failed(fenced);
        }

        // Not the caller's cancellation: a Binding that is half sent has an unknown outcome, which helps nobody.
        var options = settings.Options;
        using var timeout = new CancellationTokenSource(options.BindTimeout); // for a wait at the API server that comes before any bind
        if (options.DoNothing)
        {
            var plain = await binder.BindAsync(args.PodNamespace, args.PodName, args.PodUid, args.Node, DeviceAssignment.Empty, PluginContract.None, timeout.Token);
            return plain.Kind == BindOutcomeKind.Bound ? new BindAnswer("", DeviceAssignment.Empty) : BindAnswer.Failed(plain.Message ?? "bind failed");
        }

        PodInfo? pod = null;
        BindAnswer answer;
        try
        {
            pod = await FindAsync(args, timeout.Token);
            answer = await DecideAsync(args, pod, term);
        }
        catch (Exception e) when (pod is null && e is not OutOfMemoryException)
        {
            answer = BindAnswer.Failed($"pod {args.PodNamespace}/{args.PodName} could not be read from the API server: {e.Message}");
        }

        decisions?.Bound(args, pod, engine.Cluster.Current.Generation, answer.Error, answer.Devices, engine.ProfileFor(args.PodNamespace));
        return answer;
    }

    private async Task<BindAnswer> DecideAsync(BindingArgs args, PodInfo? pod, CancellationToken term)
    {
        if (pod is null)
        {
            return BindAnswer.Failed($"pod {args.PodNamespace}/{args.PodName} with UID {args.PodUid} is not known: it was deleted or created anew");
        }

        if (pod.Invalid is { } invalid)
        {
            return BindAnswer.Failed(invalid);
        }

        // A member of a gang may wait here for the others, within a limit of its own.
        var start = Stopwatch.GetTimestamp();
        var promise = await PromiseAsync(pod, args.Node);
        if (pod.Gang is not null)
        {
            metrics.BarrierEnded(promise.IsGranted ? Outcome.Ok : Outcome.Unschedulable, Stopwatch.GetElapsedTime(start));
        }

        if (!promise.IsGranted)
        {
            LogRefused(log, pod, args.Node, promise.Refusal);
            return BindAnswer.Failed(promise.Refusal);
        }

        var devices = promise.Allocation.Devices;
        if (promise.IsBound)
        {
            return new BindAnswer("", devices);
        }

        var outcome = await BindAsync(args, pod, devices, term);
        switch (outcome.Kind)
        {
            case BindOutcomeKind.Bound:
                using (Recorder.Turn(recorder))
                {
                    engine.Cluster.Commit(pod.Uid);
                    recorder?.Committed(pod);
                }

                LogBound(log, pod, args.Node, devices.Devices.Length);
                return new BindAnswer("", devices);
            case BindOutcomeKind.Rejected:
                using (Recorder.Turn(recorder))
                {
                    engine.BindFailed(pod);
                    recorder?.BindFailed(pod);
                }

                LogRejected(log, pod, args.Node, outcome.Message);
                return BindAnswer.Failed($"the pod was not bound: {outcome.Message}");
            default:
                // The devices stay promised until the watch tells, or the promise expires: never to two.
                LogUnknown(log, pod, args.Node, outcome.Message);
                return BindAnswer.Failed($"whether the binding took effect is not known: {outcome.Message}");
        }
    }

    private async Task<PromiseResult> PromiseAsync(PodInfo pod, string node)
    {
        Task<PromiseResult> promise;
        using (Recorder.Turn(recorder))
        {
            promise = engine.PromiseAsync(pod, node);
            recorder?.Came(pod, node, promise);
        }

        if (promise.IsCompletedSuccessfully || recorder is null)
        {
            return await promise;
        }

        var answer = await promise;
        recorder.Answered(pod, node, answer);
        return answer;
    }

    /// <summary>Binds; on a node whose device plugin reads the assignment in its own form, in that form, too.</summary>
    private async Task<BindOutcome> BindAsync(BindingArgs args, PodInfo pod, DeviceAssignment devices, CancellationToken term)
    {
        if (engine.Cluster.Current.Find(args.Node)?.Facts is not { } node || PluginContracts.Of(pod, node, _dialects) is not { } dialect)
        {
            return await PostAsync(args, devices, PluginContract.None, term);
        }

        using var wait = new CancellationTokenSource(settings.Options.Dialects.NodeWait);
        IDisposable turn;
        try
        {
            turn = await _turns.WaitAsync(args.Node, wait.Token);
        }
        catch (OperationCanceledException)
        {
            return BindOutcome.Rejected($"other pods are still being bound to node {args.Node}, whose device plugin takes one after the other");
        }

        using (turn)
        {
            if (!PluginContracts.TryWrite(dialect, pod, node, devices, (time ?? TimeProvider.System).GetUtcNow(), out var contract, out var why))
            {
                return BindOutcome.Rejected(why);
            }

            var locks = contract.NeedsNodeLock ? nodeLock : null;
            if (locks is not null && await locks.TakeAsync(args.Node, args.PodNamespace, args.PodName, wait.Token) is { } refusal)
            {
                return BindOutcome.Rejected(refusal);
            }

            var outcome = await PostAsync(args, devices, contract, term);
            if (locks is not null && outcome.Kind == BindOutcomeKind.Rejected)
            {
                using var release = new CancellationTokenSource(settings.Options.BindTimeout);
                await locks.ReleaseAsync(args.Node, args.PodNamespace, args.PodName, release.Token);
            }

            return outcome;
        }
    }

    private async Task<BindOutcome> PostAsync(BindingArgs args, DeviceAssignment devices, PluginContract contract, CancellationToken term)
    {
        try
        {
            using var post = CancellationTokenSource.CreateLinkedTokenSource(term);
            post.CancelAfter(settings.Options.BindTimeout);
            return await binder.BindAsync(args.PodNamespace, args.PodName, args.PodUid, args.Node, devices, contract, post.Token);
        }
        catch (Exception e)
        {
            return BindOutcome.Unknown(e.Message);
        }
    }

    private async Task<PodInfo?> FindAsync(BindingArgs args, CancellationToken cancellation)
    {
        if (engine.Cluster.TryGetPod(args.PodUid, out var pod))
        {
            return pod;
        }

        if (recent.Find(args.PodUid) is { } seen)
        {
            return seen;
        }

        var read = await binder.GetPodAsync(args.PodNamespace, args.PodName, cancellation);
        return read?.Uid == args.PodUid ? read : null;
    }

    [LoggerMessage(1001, LogLevel.Information, "Bound {Pod} to {Node} with {Devices} devices", EventName = "Bound")]
    private static partial void LogBound(ILogger log, PodInfo pod, string node, int devices);

    [LoggerMessage(1002, LogLevel.Information, "Bind of {Pod} to {Node} refused: {Reason}", EventName = "BindRefused")]
    private static partial void LogRefused(ILogger log, PodInfo pod, string node, string reason);

    [LoggerMessage(1003, LogLevel.Warning, "Bind of {Pod} to {Node} rejected: {Reason}", EventName = "BindRejected")]
    private static partial void LogRejected(ILogger log, PodInfo pod, string node, string? reason);

    [LoggerMessage(1004, LogLevel.Warning, "Bind of {Pod} to {Node} has an unknown outcome; its devices stay promised until the watch tells: {Reason}", EventName = "BindUnknown")]
    private static partial void LogUnknown(ILogger log, PodInfo pod, string node, string? reason);
}
