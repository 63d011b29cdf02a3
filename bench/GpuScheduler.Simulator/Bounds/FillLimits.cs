using System.Globalization;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Workloads;
using GpuScheduler.Solver.Bounds;

namespace GpuScheduler.Simulator.Bounds;

/// <summary>
/// Bounds the runs of fill-up experiments: once for each order of arrival, on the premise that the policy which was the last to refuse
/// a shared pod kept up to then.
/// </summary>
internal static class FillLimits
{
    /// <summary>The loads of the tables, in %; the end of the run comes to them.</summary>
    private static readonly int[] s_loads = [100, 130];

    /// <summary>True for pods on shared cards, which the premise is about.</summary>
    public static bool IsShared(GpuRequest request) => request.ShareCount > 0 && request.ShareMilli < SharePacking.WholeCard;

    /// <summary>Why a workload cannot be bounded; null when it can.</summary>
    public static string? WhyNot(Trace trace, ClusterFacts facts) =>
        trace.Pods.Select(p => p.Template).Concat(facts.Cluster.BoundPods).Any(p => p.Request.WantsShareMemory)
            ? $"{trace.Name}: no upper bound, because pods ask for a part of a card's memory: how much of the card that is depends on the card"
            : null;

    /// <summary>Gives the results of fill-up runs their bounds.</summary>
    /// <param name="experiment">What was run.</param>
    /// <param name="results">What came out.</param>
    /// <param name="threads">How many bounds at a time.</param>
    /// <param name="cancellation">Ends it early.</param>
    public static IReadOnlyList<RunResult> Add(Experiment experiment, IReadOnlyList<RunResult> results, int threads, CancellationToken cancellation)
    {
        var limits = new Dictionary<(Trace, long), FillLimit>();
        var traces = experiment.Traces.Where(t => WhyNot(t, experiment.Cluster) is null).ToHashSet();
        var orders = results.Where(r => r.Arrivals is not null && traces.Contains(r.Key.Trace)).GroupBy(r => (r.Key.Trace, r.Key.Seed));
        Parallel.ForEach(orders, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellation }, order =>
        {
            var limit = Of(experiment, order.Key.Trace, order.First().Arrivals!, LastOf(order.Select(r => r.Fill!.FirstSharedRefusal)));
            lock (limits)
            {
                limits[order.Key] = limit;
            }
        });
        return [.. results.Select(r => r with { Limit = limits.GetValueOrDefault((r.Key.Trace, r.Key.Seed)) })];
    }

    /// <summary>What a reader must know of the bounds, a sentence or more a trace.</summary>
    public static IEnumerable<string> Notes(Experiment experiment, IReadOnlyList<RunResult> results)
    {
        foreach (var trace in experiment.Traces)
        {
            var runs = results.Where(r => ReferenceEquals(r.Key.Trace, trace) && r.Limit is not null).ToList();
            if (runs.Count == 0)
            {
                yield return WhyNot(trace, experiment.Cluster) ?? $"{trace.Name}: no upper bound";
                continue;
            }

            var broken = runs.Where(r => !r.Limit!.HoldsFor(r.Fill!)).Select(r => PolicyNames.Of(r.Key.Policy)).Distinct().ToList();
            yield return $"{trace.Name}: upper bound: {Premise(runs)}{(broken.Count > 0 ? $". Policies that refused one earlier and could lie above it: {string.Join(", ", broken)}" : "")}";
        }
    }

    /// <summary>What the bounds of a trace are, and on which premise, in a sentence.</summary>
    public static string Premise(IEnumerable<RunResult> runs)
    {
        var limits = runs.Select(r => r.Limit!).Distinct().ToList();
        var end = limits.SelectMany(l => l.Points.Keys).DefaultIfEmpty(0).Max();
        var absolute = limits.Select(l => l.At(end)?.Absolute).Average();
        var loads = limits.Select(l => l.PremiseLoad).OfType<double>().ToList();
        var which = loads.Count < limits.Count ? "every pod that shares a card"
            : string.Create(CultureInfo.InvariantCulture, $"every pod that shares a card and arrived before {loads.Min():0.0}{(loads.Max() > loads.Min() ? $"–{loads.Max():0.0}" : "")} % load, when the last of these policies refused one");
        return string.Create(CultureInfo.InvariantCulture, $"no placement allocates more that has placed {which}. Without this condition the bound is {absolute:0.00} % at {end} % load. CPU, memory, models and the borders of nodes are ignored");
    }

    /// <summary>Bounds what can be allocated of an order of arrival.</summary>
    /// <param name="experiment">The cluster, and the load at the end.</param>
    /// <param name="trace">The workload.</param>
    /// <param name="arrivals">The order.</param>
    /// <param name="premise">All shared pods before this one are placed; null for all shared pods.</param>
    public static FillLimit Of(Experiment experiment, Trace trace, Arrivals arrivals, SharedRefusal? premise)
    {
        var facts = experiment.Cluster;
        var placedBefore = premise?.Arrival ?? arrivals.Pods.Length;
        var free = new FreeAtStart(facts);
        var parts = new List<FillUpPart>();
        var loads = new int[arrivals.Pods.Length];
        var mig = new long[arrivals.Pods.Length];
        var arrived = facts.BoundMilli;
        for (var i = 0; i < loads.Length; i++)
        {
            var pod = trace.Pods[arrivals.Pods[i]];
            var request = pod.Template.Request;
            arrived += facts.DemandMilli(pod);
            loads[i] = FillCurve.LoadOf(arrived, facts.CapacityMilli);
            mig[i] = (i > 0 ? mig[i - 1] : 0) + (pod.Members * request.Mig.Sum(m => (long)m.Count * free.MostMilli(m.Profile)));
            if (request.WholeGpus > 0)
            {
                parts.Add(new FillUpPart(i, pod.Members * request.WholeGpus, SharePacking.WholeCard));
            }

            if (request is { ShareCount: > 0, ShareMilli: > 0 })
            {
                parts.Add(new FillUpPart(i, pod.Members * request.ShareCount, request.ShareMilli));
            }
        }

        var bound = new FillUpBound(free.Cards, parts);
        var points = new Dictionary<int, LimitPoint>();
        var least = facts.CapacityMilli;
        foreach (var load in s_loads.Append((int)Math.Round(experiment.FillTo * 100)).Distinct().OrderDescending())
        {
            // The point of a curve is a mean over records, of which the last is the highest: nothing ever leaves.
            var end = Array.LastIndexOf(loads, load) is >= 0 and var exact ? exact : Math.Max(Array.LastIndexOf(loads, load - 1), Array.LastIndexOf(loads, load + 1));
            if (end >= 0)
            {
                var beside = facts.BoundMilli + Math.Min(mig[end], free.MigMilli);

                // What is allocated at a load is still allocated at a later one, where more pods have to be placed.
                least = Math.Min(least, beside + bound.Conditional(end + 1, placedBefore));
                points[load] = new LimitPoint(Percent(least), (facts.CapacityMilli - least) / (double)SharePacking.WholeCard, Percent(beside + bound.Absolute(end + 1)));
            }
        }

        return new FillLimit(placedBefore, premise?.LoadPercent, points);

        double Percent(long milli) => FillCurve.PercentOf(milli, facts.CapacityMilli);
    }

    /// <summary>The latest; null when there was a run without.</summary>
    private static SharedRefusal? LastOf(IEnumerable<SharedRefusal?> refusals) => refusals.OrderByDescending(r => r?.Arrival ?? int.MaxValue).First();
}
