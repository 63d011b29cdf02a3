using System.Buffers;
using System.Diagnostics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Extender.Canary;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Kubernetes.Recordings;

namespace GpuScheduler.Extender.Verbs;

/// <summary>
/// The verbs: decided once for both wires, and from bytes to bytes without the web server around them, which is what HTTP serves, the
/// warm-up runs and the benchmarks measure. Each returns the outcome, for metrics.
/// </summary>
internal sealed class VerbProcessor(SchedulingEngine engine, ExtenderMetrics metrics, RecentPods recent, ExtenderOptions options, IDecisionRecorder? decisions = null, Recorder? recorder = null, PodTraces? traces = null, EngineControl? control = null, SimulatedPods? simulated = null)
{
    /// <summary>The sharing dialects that are read in pods.</summary>
    public DialectSet Dialects { get; } = DialectSettingsReader.Read(options.Dialects);

    /// <summary>The newest snapshot, on which a request's names are looked up.</summary>
    public Snapshot Snapshot => engine.Cluster.Current;

    /// <summary>
    /// Decides a filter request. In the do-nothing mode every node that is known passes: a yardstick for what deciding costs.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="snapshot">The cluster on which the positions were looked up.</param>
    /// <param name="candidates">Positions of the nodes.</param>
    /// <param name="statuses">Receives a status for each, unless the pod cannot be understood.</param>
    /// <returns><see cref="Outcome.Invalid"/> when the pod cannot be understood; <see cref="PodInfo.Invalid"/> says why.</returns>
    public string Filter(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, Span<Status> statuses)
    {
        if (pod.Invalid is not null && !options.DoNothing)
        {
            decisions?.Misunderstood(pod, snapshot, candidates.Length);
            return Outcome.Invalid;
        }

        recent.Remember(pod);
        if (options.DoNothing)
        {
            for (var i = 0; i < statuses.Length; i++)
            {
                statuses[i] = candidates[i] < 0 ? Reasons.UnknownNode : Status.Success;
            }

            return Outcome.Ok;
        }

        using var span = traces?.Begin("filter", pod);
        using var turn = Recorder.Turn(recorder);
        if (recorder is not null)
        {
            candidates = Recorder.Renew(ref snapshot, Snapshot, candidates);
        }

        var start = control?.Canary is null ? 0 : Stopwatch.GetTimestamp();
        var passed = engine.Filter(pod, snapshot, candidates, statuses, out var profile);
        var took = profile is null || start == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(start);
        span?.Filtered(passed, statuses);
        if (passed < candidates.Length)
        {
            metrics.Refused(statuses);
        }

        decisions?.Filtered(pod, snapshot, candidates, statuses, passed, profile);
        recorder?.Filtered(pod, snapshot, candidates, statuses);
        if (profile is not null)
        {
            control?.Filtered(pod, profile, passed == 0, took);
        }

        return passed > 0 ? Outcome.Ok : Outcome.Unschedulable;
    }

    /// <summary>Decides a prioritize request; the scores come in as zeros, and stay so for a pod that cannot be understood.</summary>
    public void Prioritize(PodInfo pod, Snapshot snapshot, ReadOnlySpan<int> candidates, Span<int> scores)
    {
        if (!options.DoNothing && pod.Invalid is null)
        {
            using var span = traces?.Begin("prioritize", pod);
            using var turn = Recorder.Turn(recorder);
            if (recorder is not null)
            {
                candidates = Recorder.Renew(ref snapshot, Snapshot, candidates);
            }

            engine.Prioritize(pod, snapshot, candidates, scores);
            recorder?.Prioritized(pod, snapshot, candidates, scores);
            span?.Prioritized(snapshot, candidates, scores);
        }
    }

    /// <summary>Decides a preempt request; nothing helps a pod that cannot be understood.</summary>
    public IReadOnlyList<PreemptionCandidate> Preempt(PodInfo pod, IReadOnlyList<PreemptionCandidate> candidates)
    {
        if (options.DoNothing || pod.Invalid is not null)
        {
            return options.DoNothing ? candidates : [];
        }

        using var turn = Recorder.Turn(recorder);
        var snapshot = Snapshot;
        var kept = engine.Preempt(pod, snapshot, candidates);
        decisions?.Preempted(pod, snapshot, candidates, kept, engine.ProfileFor(pod.Namespace));
        recorder?.Preempted(pod, candidates, kept);
        return kept;
    }

    public async ValueTask<string> FilterAsync(Stream body, long? contentLength, SegmentedBuffer output, CancellationToken cancellation)
    {
        var clock = new PhaseClock(metrics, "filter");
        using var args = await ExtenderArgsReader.ReadAsync(body, contentLength, Snapshot, keepBodies: true, cancellation, Dialects, Simulates);
        var statuses = ArrayPool<Status>.Shared.Rent(args.Count);
        try
        {
            if (args.HasNodes && Simulates)
            {
                return Simulate(args, statuses.AsSpan(0, args.Count), output);
            }

            clock.Ended("parse");
            var outcome = Filter(args.Pod!, args.Snapshot, args.Candidates, statuses.AsSpan(0, args.Count));
            clock.Ended("decide");
            if (outcome == Outcome.Invalid)
            {
                FilterResponseWriter.WriteError(output, args.Pod!.Invalid!);
            }
            else
            {
                FilterResponseWriter.Write(output, args, statuses.AsSpan(0, args.Count));
            }

            clock.Ended("write");
            return outcome;
        }
        finally
        {
            ArrayPool<Status>.Shared.Return(statuses);
        }
    }

    public async ValueTask<string> PrioritizeAsync(Stream body, long? contentLength, SegmentedBuffer output, CancellationToken cancellation)
    {
        var clock = new PhaseClock(metrics, "prioritize");
        using var args = await ExtenderArgsReader.ReadAsync(body, contentLength, Snapshot, keepBodies: false, cancellation, Dialects, Simulates);
        var scores = ArrayPool<int>.Shared.Rent(args.Count);
        var used = scores.AsSpan(0, args.Count);
        used.Clear();
        if (args.HasNodes && Simulates)
        {
            if (args.Pod!.Invalid is null)
            {
                engine.SimulateScores(args.Pod, args.Snapshot, args.Candidates, args.Templates, used);
            }

            PrioritizeResponseWriter.Write(output, args, used);
            ArrayPool<int>.Shared.Return(scores);
            return Outcome.Simulated;
        }

        clock.Ended("parse");
        Prioritize(args.Pod!, args.Snapshot, args.Candidates, used);
        clock.Ended("decide");
        PrioritizeResponseWriter.Write(output, args, used);
        clock.Ended("write");
        ArrayPool<int>.Shared.Return(scores);
        return Outcome.Ok;
    }

    public async ValueTask<string> PreemptAsync(Stream body, SegmentedBuffer output, CancellationToken cancellation)
    {
        var clock = new PhaseClock(metrics, "preempt");
        var (pod, candidates) = PreemptionArgs.Read(await ReadWholeAsync(body, cancellation), Dialects);
        clock.Ended("parse");
        var kept = Preempt(pod, candidates);
        clock.Ended("decide");
        PreemptionArgs.Write(output, kept);
        clock.Ended("write");
        return kept.Count > 0 ? Outcome.Ok : Outcome.Unschedulable;
    }

    /// <summary>True when calls with whole Nodes leave no trace; see <see cref="WholeNodes"/>.</summary>
    private bool Simulates => options.Engine.WholeNodes == WholeNodes.Simulate && !options.DoNothing;

    /// <summary>Answers a filter request as it would be decided, and decides nothing.</summary>
    private string Simulate(ExtenderArgs args, Span<Status> statuses, SegmentedBuffer output)
    {
        var pod = args.Pod!;
        if (pod.Invalid is { } invalid)
        {
            FilterResponseWriter.WriteError(output, invalid);
            return Outcome.Simulated;
        }

        engine.Simulate(pod, args.Snapshot, args.Candidates, args.Templates, statuses);
        simulated?.Remember(pod);
        FilterResponseWriter.Write(output, args, statuses);
        return Outcome.Simulated;
    }

    /// <summary>A body read whole; the web server has bounded its size.</summary>
    public static async ValueTask<byte[]> ReadWholeAsync(Stream body, CancellationToken cancellation)
    {
        using var buffer = new MemoryStream();
        await body.CopyToAsync(buffer, cancellation);
        return buffer.Length > 0 ? buffer.ToArray() : throw new WireException("the body is empty; JSON is expected");
    }
}
