using System.Numerics;

namespace GpuScheduler.Solver.Eviction;

/// <summary>
/// What it costs at least to free GPUs on a node, when every victim's cost is split over the nodes of one domain on which it lies, by
/// GPUs. Whatever set of victims is evicted, the shares on the nodes it frees add up to no more than its cost: sums of least shares
/// are lower bounds.
/// </summary>
internal sealed class EvictionShares
{
    private readonly double[] _gpuCost; // by victim: its cost for each of its GPUs in the domain

    public EvictionShares(IReadOnlyList<EvictionNode> nodes, long[] costs)
    {
        var gpus = new long[costs.Length];
        foreach (var node in nodes)
        {
            foreach (var hold in node.Holds)
            {
                gpus[hold.Victim] += BitOperations.PopCount(hold.Gpus);
            }
        }

        _gpuCost = [.. costs.Select((c, v) => gpus[v] == 0 ? 0 : c / (double)gpus[v])];
    }

    /// <summary>
    /// The least share by number of GPUs freed, and which victims those are, as bits of the node's list. Victims that are gone already
    /// cost nothing more. GPUs that several use count for each of them: that makes it a bound.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="evicted">Who is gone already.</param>
    /// <param name="least">Receives the least share, by number of GPUs to be freed beyond those of the victims that are gone.</param>
    /// <param name="who">Receives the victims, as bits of the node's list (the first 64 of it).</param>
    public void Fill(EvictionNode node, bool[] evicted, Span<double> least, Span<ulong> who)
    {
        least.Fill(double.PositiveInfinity);
        least[0] = 0;
        who.Clear();
        for (var i = 0; i < node.Holds.Count; i++)
        {
            var hold = node.Holds[i];
            var gpus = BitOperations.PopCount(hold.Gpus);
            if (evicted[hold.Victim] || gpus == 0)
            {
                continue;
            }

            var cost = _gpuCost[hold.Victim] * gpus;
            for (var freed = least.Length - 1; freed > 0; freed--)
            {
                var before = Math.Max(0, freed - gpus);
                if (least[before] + cost < least[freed])
                {
                    least[freed] = least[before] + cost;
                    who[freed] = who[before] | (i < 64 ? 1UL << i : 0);
                }
            }
        }
    }
}
