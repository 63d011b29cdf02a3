using System.Buffers;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Wire;

namespace GpuScheduler.Extender.Verbs;

/// <summary>
/// The verbs from bytes to bytes, without the web server around them: what HTTP serves, the warm-up runs and the benchmarks measure.
/// Each returns the outcome, for metrics.
/// </summary>
internal sealed class VerbProcessor(SchedulingEngine engine, ExtenderMetrics metrics, RecentPods recent, ExtenderOptions options)
{
    public SchedulingEngine Engine => engine;

    public async ValueTask<string> FilterAsync(Stream body, long? contentLength, SegmentedBuffer output, CancellationToken cancellation)
    {
        using var args = await ExtenderArgsReader.ReadAsync(body, contentLength, engine.Cluster.Current, keepBodies: true, cancellation);
        return Filter(args, output);
    }

    public async ValueTask<string> PrioritizeAsync(Stream body, long? contentLength, SegmentedBuffer output, CancellationToken cancellation)
    {
        using var args = await ExtenderArgsReader.ReadAsync(body, contentLength, engine.Cluster.Current, keepBodies: false, cancellation);
        var scores = ArrayPool<int>.Shared.Rent(args.Count);
        var used = scores.AsSpan(0, args.Count);
        used.Clear();
        if (!options.DoNothing && args.Pod!.Invalid is null)
        {
            engine.Prioritize(args.Pod, args.Snapshot, args.Candidates, used);
        }

        PrioritizeResponseWriter.Write(output, args, used);
        ArrayPool<int>.Shared.Return(scores);
        return Outcome.Ok;
    }

    public async ValueTask<string> PreemptAsync(Stream body, SegmentedBuffer output, CancellationToken cancellation)
    {
        var (pod, candidates) = PreemptionArgs.Read(await ReadWholeAsync(body, cancellation));
        var kept = options.DoNothing ? candidates
            : pod.Invalid is null ? engine.Preempt(pod, engine.Cluster.Current, candidates)
            : [];
        PreemptionArgs.Write(output, kept);
        return kept.Count > 0 ? Outcome.Ok : Outcome.Unschedulable;
    }

    /// <summary>A body read whole; the web server has bounded its size.</summary>
    public static async ValueTask<byte[]> ReadWholeAsync(Stream body, CancellationToken cancellation)
    {
        using var buffer = new MemoryStream();
        await body.CopyToAsync(buffer, cancellation);
        return buffer.Length > 0 ? buffer.ToArray() : throw new WireException("the body is empty; JSON is expected");
    }

    private string Filter(ExtenderArgs args, SegmentedBuffer output)
    {
        var pod = args.Pod!;
        var rented = ArrayPool<Status>.Shared.Rent(args.Count);
        var statuses = rented.AsSpan(0, args.Count);
        try
        {
            if (options.DoNothing)
            {
                recent.Remember(pod);
                PassKnown(args.Candidates, statuses);
                FilterResponseWriter.Write(output, args, statuses);
                return Outcome.Ok;
            }

            if (pod.Invalid is { } invalid)
            {
                FilterResponseWriter.WriteError(output, invalid);
                return Outcome.Invalid;
            }

            recent.Remember(pod);
            var passed = engine.Filter(pod, args.Snapshot, args.Candidates, statuses);
            if (passed < args.Count)
            {
                metrics.Refused(statuses);
            }

            FilterResponseWriter.Write(output, args, statuses);
            return passed > 0 ? Outcome.Ok : Outcome.Unschedulable;
        }
        finally
        {
            ArrayPool<Status>.Shared.Return(rented);
        }
    }

    /// <summary>The do-nothing mode: every node that is known passes. A yardstick for what deciding costs.</summary>
    /// <returns>How many passed.</returns>
    public static int PassKnown(ReadOnlySpan<int> candidates, Span<Status> statuses)
    {
        var passed = 0;
        for (var i = 0; i < statuses.Length; i++)
        {
            statuses[i] = candidates[i] < 0 ? Reasons.UnknownNode : Status.Success;
            passed += candidates[i] < 0 ? 0 : 1;
        }

        return passed;
    }
}
