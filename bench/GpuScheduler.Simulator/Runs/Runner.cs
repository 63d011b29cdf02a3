using System.Collections.Concurrent;
using System.Diagnostics;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Policies;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Workloads;
using Trace = GpuScheduler.Simulator.Workloads.Trace;

namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// Runs an experiment. Runs share what is only read (cluster, traces, orders of arrival, typical pods) and nothing else, so that the
/// number of threads has no part in any result.
/// </summary>
internal sealed class Runner
{
    /// <summary>
    /// Bytes on the heap above which the garbage of a run is collected before the next one begins: left alone, a process with memory to
    /// spare would pile up the clusters of many runs, and the peak that is reported would say nothing of a run.
    /// </summary>
    private const long CollectAbove = 48L * 1024 * 1024;

    private readonly Experiment _experiment;
    private readonly ConcurrentDictionary<(Trace, long), Lazy<Arrivals>> _arrivals = new();
    private readonly ConcurrentDictionary<(Trace, long, double?), Lazy<TimedWorkload>> _timed = new();
    private readonly Dictionary<Trace, TypicalPods> _typical = new(ReferenceEqualityComparer.Instance);

    /// <summary>Prepares an experiment.</summary>
    /// <exception cref="InputException">A policy is not known.</exception>
    public Runner(Experiment experiment)
    {
        _experiment = experiment;
        CheckPolicies(experiment.Policies);
        foreach (var trace in experiment.Traces)
        {
            _typical[trace] = TypicalPods.Learn(trace.Templates);
        }
    }

    /// <summary>Complains about policies that do not exist.</summary>
    public static void CheckPolicies(IEnumerable<string> policies)
    {
        foreach (var policy in policies)
        {
            if (!PlacementPolicies.Names.Contains(policy))
            {
                throw new InputException($"there is no policy \"{policy}\"; there are {string.Join(", ", PlacementPolicies.Names)}");
            }
        }
    }

    /// <summary>Runs runs.</summary>
    /// <param name="runs">Which.</param>
    /// <param name="threads">How many at a time.</param>
    /// <param name="done">Called after each run, from several threads.</param>
    /// <param name="cancellation">Ends it early.</param>
    /// <returns>The results, in the order of <paramref name="runs"/>.</returns>
    public IReadOnlyList<RunResult> RunAll(IReadOnlyList<RunKey> runs, int threads, Action<RunResult>? done, CancellationToken cancellation)
    {
        var results = new RunResult[runs.Count];
        var next = -1;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        void Work()
        {
            while (!stop.IsCancellationRequested && Interlocked.Increment(ref next) is var i && i < runs.Count)
            {
                try
                {
                    results[i] = Run(runs[i], stop.Token);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    stop.Cancel();
                    throw;
                }

                done?.Invoke(results[i]);
            }
        }

        try
        {
            Task.WaitAll([.. Enumerable.Range(0, Math.Clamp(threads, 1, Math.Max(1, runs.Count))).Select(_ => Task.Run(Work, CancellationToken.None))], CancellationToken.None);
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<InputException>().FirstOrDefault() is { } input)
        {
            throw new InputException(input.Message, input);
        }
        catch (AggregateException) when (cancellation.IsCancellationRequested)
        {
        }

        cancellation.ThrowIfCancellationRequested();
        return results;
    }

    /// <summary>Runs one run.</summary>
    public RunResult Run(RunKey key, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        var withMap = _experiment.WithMaps && key.Seed == _experiment.Seeds[0];
        var typical = _typical[key.Trace];
        var facts = _experiment.Cluster;
        var forPolicy = _experiment.TypicalFrom == TypicalFrom.Arrived ? null : _experiment.TypicalFrom.Fixed ?? typical;
        SimulatedCluster Cluster(IReadOnlyList<int> random) => new(
            facts,
            NodeOrders.Arrange(_experiment.NodeOrder, facts.Nodes, [.. random]),
            key.Policy,
            forPolicy,
            typical,
            key.Seed);
        if (_experiment.Mode == RunMode.Timed)
        {
            var workload = _timed.GetOrAdd((key.Trace, key.Seed, key.Load), k => new Lazy<TimedWorkload>(
                () => TimedDraw.Draw(k.Item1, _experiment.LoadReference ?? facts, k.Item3, k.Item2, _experiment.Timed))).Value;
            var cluster = Cluster(TimedDraw.NodeOrder(facts, key.Seed));
            ClusterMap? map = null;
            var outcome = TimedRun.Run(key.Trace, workload, facts, cluster, _experiment.Timed.WarmUp, () => map = withMap ? cluster.ToMap(key.Seed) : null, cancellation);
            return Finished(new RunResult(key) { Origin = workload.Origin, Timed = outcome, Map = map }, clock);
        }
        else
        {
            var arrivals = _arrivals.GetOrAdd((key.Trace, key.Seed), k => new Lazy<Arrivals>(() => ArrivalsOf(k.Item1, k.Item2))).Value;
            var cluster = Cluster(arrivals.Nodes);
            var outcome = FillRun.Run(key.Trace, arrivals, facts, cluster, cancellation);
            return Finished(new RunResult(key) { Origin = arrivals.Origin, Arrivals = arrivals, Fill = outcome, Map = withMap ? cluster.ToMap(key.Seed) : null }, clock);
        }
    }

    private Arrivals ArrivalsOf(Trace trace, long seed) =>
        (_experiment.Replay is { } folder ? ReplayOrder.TryRead(folder, trace, seed, _experiment.Cluster) : null)
        ?? FillDraw.Draw(trace, _experiment.LoadReference ?? _experiment.Cluster, _experiment.Cluster.Nodes.Length, _experiment.FillTo, seed);

    private static RunResult Finished(RunResult result, Stopwatch clock)
    {
        using var process = Process.GetCurrentProcess();
        var seconds = clock.Elapsed.TotalSeconds;
        if (GC.GetTotalMemory(forceFullCollection: false) > CollectAbove)
        {
            GC.Collect();
        }

        return result with { WallSeconds = seconds, PeakMemoryMiB = process.PeakWorkingSet64 / (1024.0 * 1024.0) };
    }
}
