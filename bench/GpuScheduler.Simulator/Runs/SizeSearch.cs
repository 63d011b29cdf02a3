using System.Globalization;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Workloads;

namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// Finds how many nodes of a shape are needed for pods to wait less than a time: doubles the number until it is enough, then halves
/// the gap. Waits need not fall with every node that is added, so that the answer is what was shown: enough, and one node less is not.
/// </summary>
internal sealed class SizeSearch
{
    private const int MostNodes = 65_536;

    private readonly Experiment _experiment;
    private readonly string _policy;
    private readonly NodeSpec _shape;
    private readonly bool _alone;
    private readonly double _quantile;
    private readonly long _belowMs;
    private readonly int _threads;
    private readonly CancellationToken _cancellation;
    private readonly List<SizeStep> _steps = [];

    /// <summary>A search.</summary>
    /// <param name="experiment">The workload, over time, and the cluster that its load refers to.</param>
    /// <param name="policy">Name of the policy.</param>
    /// <param name="shape">The shape of the nodes.</param>
    /// <param name="alone">True for a cluster of these nodes alone, false for the cluster with so many more.</param>
    /// <param name="quantile">Which part of the pods must wait less.</param>
    /// <param name="belowMs">Less than this, in milliseconds, with every seed.</param>
    /// <param name="threads">Runs at a time.</param>
    /// <param name="cancellation">Ends it early.</param>
    public SizeSearch(Experiment experiment, string policy, NodeSpec shape, bool alone, double quantile, long belowMs, int threads, CancellationToken cancellation)
    {
        (_experiment, _policy, _shape, _alone) = (experiment with { Policies = [policy] }, policy, shape, alone);
        (_quantile, _belowMs, _threads, _cancellation) = (quantile, belowMs, threads, cancellation);
    }

    /// <summary>Searches.</summary>
    /// <exception cref="InputException">Too many pods find no place on such nodes however many there are.</exception>
    public SizeAnswer Find()
    {
        CheckPossible();
        if (!_alone && IsEnough(0))
        {
            return new SizeAnswer(_policy, 0, _steps);
        }

        var tooFew = 0;
        var enough = _alone ? (int)Math.Clamp(MeanGpus() / Math.Max(1, _shape.Gpus), 1, MostNodes) : 1;
        while (!IsEnough(enough))
        {
            if (enough >= MostNodes)
            {
                throw new InputException($"even {enough} nodes {_shape} are not enough; take a larger shape, a longer time or a lower --quantile");
            }

            tooFew = enough;
            enough *= 2;
        }

        while (enough - tooFew > 1)
        {
            var middle = tooFew + ((enough - tooFew) / 2);
            (tooFew, enough) = IsEnough(middle) ? (tooFew, middle) : (middle, enough);
        }

        return new SizeAnswer(_policy, enough, _steps);
    }

    /// <summary>Pods that even an empty node cannot take wait for ever, whatever the number of nodes.</summary>
    private void CheckPossible()
    {
        foreach (var trace in _experiment.Traces)
        {
            var facts = new ClusterFacts(With(1));
            var pods = TimedDraw.Draw(trace, Reference, _experiment.Loads[0], _experiment.Seeds[0], _experiment.Timed).Pods;
            var impossible = pods.GroupBy(p => trace.Pods[p.Pod].Template, ReferenceEqualityComparer.Instance)
                .Select(g => (Template: (PodInfo)g.Key!, Count: g.Count()))
                .Where(g => !new SimulatedCluster(facts, [.. Enumerable.Range(0, facts.Nodes.Length)], "firstfit", TypicalPods.None, TypicalPods.None, 0).Place(new Arrival(0, new TracePod("", g.Template, 0, 0))))
                .ToList();
            if (impossible.Sum(i => i.Count) > (1 - _quantile) * pods.Length)
            {
                var example = impossible.MaxBy(i => i.Count).Template;
                throw new InputException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{impossible.Sum(i => i.Count)} of {pods.Length} pods of {trace.Name} fit on no node of that cluster, however many nodes {_shape} there are; most often {example.Request.DeviceCount} devices with {example.CpuMilli / 1000.0} cores and {example.MemoryBytes >> 30} GiB{(example.Request.Models.IsEmpty ? "" : " on " + string.Join("|", example.Request.Models))}. Take a larger shape, or --more in place of --of"));
            }
        }
    }

    private ClusterFacts Reference => _experiment.LoadReference ?? _experiment.Cluster;

    /// <summary>The cluster with so many nodes.</summary>
    private ClusterModel With(int count)
    {
        var cluster = _experiment.Cluster.Cluster;
        var added = ClusterChanges.New(count, _shape, _alone ? [] : [.. cluster.Nodes]);
        return _alone
            ? new ClusterModel { Name = _shape.ToString(), Source = $"{count} nodes {_shape}", Nodes = [.. added] }
            : cluster with { Nodes = [.. cluster.Nodes, .. added] };
    }

    private bool IsEnough(int count)
    {
        var experiment = _experiment with { Cluster = new ClusterFacts(With(count)), LoadReference = Reference };
        var results = new Runner(experiment).RunAll(experiment.Runs(), _threads, null, _cancellation);
        var wait = results.Max(r => r.Timed!.Quantile(_quantile));
        _steps.Add(new SizeStep(_policy, count, experiment.Cluster.Gpus, wait, results.Max(r => r.Timed!.NeverStarted), results.Average(r => r.Timed!.MeanAllocation), wait < _belowMs) { Results = results });
        return wait < _belowMs;
    }

    /// <summary>GPUs in use on average if nobody waited, or of all pods at once where that is less: where the search begins.</summary>
    private double MeanGpus() => _experiment.Traces.Max(trace =>
    {
        var workload = TimedDraw.Draw(trace, Reference, _experiment.Loads[0], _experiment.Seeds[0], _experiment.Timed);
        var all = workload.Pods.Sum(p => Reference.DemandMilli(trace.Pods[p.Pod])) / 1000.0;
        return Math.Min(all, workload.OfferedPercent / 100 * Reference.Gpus);
    });
}
