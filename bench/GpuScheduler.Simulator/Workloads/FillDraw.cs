using System.Collections.Immutable;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>
/// Draws the arrivals of a fill-up run by the rules of the published openb experiment, with a generator of its own (so that a seed
/// gives other numbers here than there, of the same distribution): the trace shuffled; then, while less GPU is asked for than the
/// target, copies of pods picked at random appended at the end, or, when more is asked for, pods at random positions removed. After
/// that the order of the nodes.
/// </summary>
internal static class FillDraw
{
    /// <summary>Draws.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="reference">The cluster that is to be filled.</param>
    /// <param name="nodes">Number of nodes to bring into an order.</param>
    /// <param name="target">GPU load to arrive, as a multiple of the cluster's GPUs, what runs already included.</param>
    /// <param name="seed">The seed.</param>
    public static Arrivals Draw(Trace trace, ClusterFacts reference, int nodes, double target, long seed)
    {
        var draw = new Pcg32(seed, DrawStream.Arrivals);
        var demand = new Demands(trace, reference);
        var order = trace.ByName.Where(p => trace.Waiting?.Contains(p) != false).ToList();
        draw.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(order));
        var asked = reference.BoundMilli;
        foreach (var pod in order)
        {
            asked += demand.Of(pod);
        }

        var wanted = (long)(target * reference.CapacityMilli);
        if (asked < wanted && Enumerable.Range(0, trace.Pods.Count).All(p => demand.Of(p) == 0))
        {
            throw new InputException($"trace {trace.Name}: no pod asks for a GPU that the cluster has, so that the trace cannot fill it");
        }

        if (asked > wanted)
        {
            while (asked > wanted && order.Count > 0)
            {
                var at = draw.Next(order.Count);
                asked -= demand.Of(order[at]);
                order.RemoveAt(at);
            }
        }
        else
        {
            while (true)
            {
                var pod = trace.ByName[draw.Next(trace.Pods.Count)];

                // The published rule: the test looks at what the pod asks of one card, however many cards it wants.
                if (asked + demand.OneCardOf(pod) > wanted)
                {
                    break;
                }

                order.Add(pod);
                asked += demand.Of(pod);
            }
        }

        var ties = Enumerable.Range(0, nodes).ToArray();
        draw.Shuffle<int>(ties);
        return new Arrivals([.. order], [.. ties], ArrivalOrigin.Drawn);
    }

    /// <summary>What the templates of a trace ask for, looked up once each.</summary>
    private sealed class Demands(Trace trace, ClusterFacts cluster)
    {
        private readonly Dictionary<PodInfo, (long All, long OneCard)> _known = new(ReferenceEqualityComparer.Instance);

        public long Of(int pod) => Look(pod).All;

        public long OneCardOf(int pod) => Look(pod).OneCard;

        private (long All, long OneCard) Look(int pod)
        {
            var template = trace.Pods[pod].Template;
            if (!_known.TryGetValue(template, out var demand))
            {
                var all = cluster.DemandMilli(trace.Pods[pod]);
                _known[template] = demand = (all, all / Math.Max(1, trace.Pods[pod].Members * template.Request.DeviceCount));
            }

            return demand;
        }
    }
}
