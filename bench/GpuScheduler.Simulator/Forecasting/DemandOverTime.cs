using System.Collections.Immutable;
using GpuScheduler.Forecast;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Forecasting;

/// <summary>
/// The demand of a workload over time: a pod demands its GPUs from when it arrives until it has run for as long as it runs, as if there were
/// always room. Where a real cluster is full, pods that wait demand for longer.
/// </summary>
internal static class DemandOverTime
{
    /// <summary>Adds up the demand.</summary>
    /// <param name="trace">The pods.</param>
    /// <param name="arrivals">When they arrive.</param>
    /// <param name="cluster">Says how many GPUs a request comes to.</param>
    /// <param name="startMs">When the first arrives, in milliseconds from the Unix epoch.</param>
    /// <param name="step">Length of a step.</param>
    public static DemandSeries Of(Trace trace, IReadOnlyList<TimedArrival> arrivals, ClusterFacts cluster, long startMs, TimeSpan step)
    {
        // Only whole steps, and none after the last arrival: what comes then is the end of the trace, not of the demand.
        var stepMs = (long)step.TotalMilliseconds;
        var first = (startMs + stepMs - 1) / stepMs;
        var steps = (int)(((startMs + arrivals[^1].AtMs) / stepMs) - first);
        var (changes, parts) = (new double[Math.Max(0, steps) + 1], new double[Math.Max(0, steps)]);
        foreach (var arrival in arrivals)
        {
            var gpus = cluster.DemandMilli(trace.Pods[arrival.Pod]) / 1000.0;
            var from = Math.Max(0, startMs + arrival.AtMs - (first * stepMs));
            var to = Math.Min(steps * stepMs, startMs + arrival.AtMs + arrival.DurationMs - (first * stepMs));
            if (gpus == 0 || to <= from)
            {
                continue;
            }

            // Whole steps by their ends, the two that are cut by their parts.
            var (begin, end) = (from / stepMs, to / stepMs);
            if (begin == end)
            {
                parts[begin] += gpus * (to - from) / stepMs;
                continue;
            }

            parts[begin] += gpus * (((begin + 1) * stepMs) - from) / stepMs;
            changes[begin + 1] += gpus;
            changes[end] -= gpus;
            if (end < steps)
            {
                parts[end] += gpus * (to - (end * stepMs)) / stepMs;
            }
        }

        var series = ImmutableArray.CreateBuilder<double>(parts.Length);
        var running = 0.0;
        for (var i = 0; i < parts.Length; i++)
        {
            running += changes[i];
            series.Add(Math.Max(0, running + parts[i]));
        }

        return new DemandSeries(first, step, series.MoveToImmutable());
    }

    /// <summary>
    /// Brings arrivals that are spread evenly into days and weeks: as many arrive over a week, by day twice as many as the mean and by night few,
    /// at weekends half as many.
    /// </summary>
    public static IReadOnlyList<TimedArrival> InDaysAndWeeks(IReadOnlyList<TimedArrival> arrivals)
    {
        // A quarter of an hour is finer than the pattern.
        const long PieceMs = 900_000;
        const int PiecesOfWeek = 7 * 24 * 4;
        var sums = new double[PiecesOfWeek + 1];
        for (var i = 0; i < PiecesOfWeek; i++)
        {
            var day = i / 96;
            var rate = (1 - (0.8 * Math.Cos(2 * Math.PI * ((i % 96) - 12) / 96))) * (day >= 5 ? 0.5 : 1);
            sums[i + 1] = sums[i] + rate;
        }

        const long WeekMs = PiecesOfWeek * PieceMs;
        return [.. arrivals.Select(a =>
        {
            var wanted = (double)(a.AtMs % WeekMs) / WeekMs * sums[^1];
            var piece = Array.BinarySearch(sums, wanted);
            piece = Math.Min(piece >= 0 ? piece : ~piece - 1, PiecesOfWeek - 1);
            var part = (wanted - sums[piece]) / (sums[piece + 1] - sums[piece]);
            return a with { AtMs = (a.AtMs / WeekMs * WeekMs) + (long)((piece + part) * PieceMs) };
        })];
    }
}
