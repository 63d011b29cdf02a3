using System.Collections.Immutable;
using System.Globalization;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>
/// Makes the arrivals of a timed run: from the trace's own times, or as a Poisson process of pods picked from it. The times between
/// arrivals, not those that pods run, are then stretched so that the offered load is what is asked for.
/// </summary>
/// <remarks>
/// Where some pods run for longer than the whole span, a cluster that begins empty would not come near that load. So a run may begin
/// with pods that run already, as the load has them on average: each pod of the trace as many times as it runs longer than the time
/// between two arrivals of it, with a part of its running time left that is uniform between nothing and all of it.
/// </remarks>
internal static class TimedDraw
{
    /// <summary>Makes them.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="cluster">The cluster that the load refers to.</param>
    /// <param name="load">Offered load in %; null for what the trace has.</param>
    /// <param name="seed">Decides what is drawn.</param>
    /// <param name="settings">How.</param>
    public static TimedWorkload Draw(Trace trace, ClusterFacts cluster, double? load, long seed, TimedSettings settings)
    {
        var poisson = settings.Poisson ?? !trace.HasArrivals;
        if (!poisson && !trace.HasArrivals)
        {
            throw new InputException($"trace {trace.Name} has no times of arrival: use --arrivals poisson, or a trace that has them");
        }

        var pods = poisson ? Poisson(trace, seed, settings) : FromTrace(trace, settings);
        var offered = 0.0;
        foreach (var pod in pods)
        {
            offered += (double)cluster.DemandMilli(trace.Pods[pod.Pod]) * pod.DurationMs;
        }

        var span = pods.Count > 0 ? pods[^1].AtMs : 0;
        if (span <= 0 || offered <= 0)
        {
            throw new InputException($"trace {trace.Name}: {(span <= 0 ? "all its pods arrive at once" : "none of its pods asks for a GPU that the cluster has")}, so that it offers no load over time; use --mode fill");
        }

        var natural = 100 * offered / ((double)span * cluster.CapacityMilli);
        if (load is null && poisson)
        {
            throw new InputException($"trace {trace.Name} has no arrivals of its own: say with --load how dense they shall be, for example --load 60,80,100");
        }

        var stretch = load is { } wanted ? natural / wanted : 1;
        var stretched = pods.Select(p => p with { AtMs = (long)Math.Round(p.AtMs * stretch) }).ToList();
        if (stretched[^1].AtMs == 0)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"trace {trace.Name}: at a load of {load} % all pods arrive within a millisecond; choose a smaller --load"));
        }

        var initial = settings.Stationary ?? load is not null ? Running(stretched, seed) : [];
        return new TimedWorkload([.. initial, .. stretched], load ?? natural, poisson ? ArrivalOrigin.Drawn : ArrivalOrigin.Trace) { Initial = initial.Count };
    }

    /// <summary>Pods that run already: of each, in random order, as many as the passing sum of their running times over the span has whole numbers.</summary>
    private static List<TimedArrival> Running(List<TimedArrival> pods, long seed)
    {
        var draw = new Pcg32(seed, DrawStream.Running);
        var order = pods.ToArray();
        draw.Shuffle<TimedArrival>(order);
        var span = (double)pods[^1].AtMs;
        var running = new List<TimedArrival>();
        var sum = draw.NextUnit();
        foreach (var pod in order)
        {
            for (sum += pod.DurationMs / span; sum >= 1; sum--)
            {
                running.Add(new TimedArrival(pod.Pod, 0, Math.Max(1, (long)(pod.DurationMs * draw.NextUnit()))));
            }
        }

        return running;
    }

    /// <summary>In what order the nodes come with a seed.</summary>
    public static ImmutableArray<int> NodeOrder(ClusterFacts cluster, long seed)
    {
        var nodes = Enumerable.Range(0, cluster.Nodes.Length).ToArray();
        new Pcg32(seed, DrawStream.Arrivals).Shuffle<int>(nodes);
        return [.. nodes];
    }

    private static List<TimedArrival> FromTrace(Trace trace, TimedSettings settings)
    {
        var first = trace.Pods.Min(p => p.ArrivalMs);
        return [.. trace.Pods
            .Select((p, i) => new TimedArrival(i, p.ArrivalMs - first, DurationOf(p, settings)))
            .OrderBy(p => p.AtMs)];
    }

    private static List<TimedArrival> Poisson(Trace trace, long seed, TimedSettings settings)
    {
        var (picks, times) = (new Pcg32(seed, DrawStream.Pods), new Pcg32(seed, DrawStream.Times));
        var count = settings.Count > 0 ? settings.Count : trace.Pods.Count;
        var pods = new List<TimedArrival>(count);
        for (var at = 0.0; pods.Count < count; at += times.NextExponential(1_000_000))
        {
            var pod = picks.Next(trace.Pods.Count);
            pods.Add(new TimedArrival(pod, (long)at, DurationOf(trace.Pods[pod], settings)));
        }

        return pods;
    }

    private static long DurationOf(TracePod pod, TimedSettings settings) => pod.DurationMs == TracePod.NoTime ? settings.DurationMs : pod.DurationMs;
}
