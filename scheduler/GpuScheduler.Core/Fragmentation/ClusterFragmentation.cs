using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>
/// Measures the fragmentation of a cluster time and again, at the cost of what changed. It keeps what it measured of the snapshot's blocks
/// of nodes and adds it up in order, so that the result depends on the snapshot alone and not on those before it. Not thread-safe.
/// </summary>
/// <param name="typical">The expected pods.</param>
public sealed class ClusterFragmentation(TypicalPods typical)
{
    private readonly List<Block> _blocks = [];

    /// <summary>The sums over the nodes of a snapshot.</summary>
    public FragmentationTotals Measure(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var blocks = snapshot.Nodes.Blocks;
        while (_blocks.Count < blocks.Length)
        {
            _blocks.Add(new Block(typical));
        }

        var (fragmented, free) = (0.0, 0L);
        for (var i = 0; i < blocks.Length; i++)
        {
            var sum = _blocks[i].Measure(blocks[i]);
            fragmented += sum.FragmentedMilli;
            free += sum.FreeMilli;
        }

        return new FragmentationTotals(fragmented, free);
    }

    /// <summary>What was measured of a block of nodes.</summary>
    private sealed class Block(TypicalPods typical)
    {
        private readonly double[] _fragmented = new double[NodeList.BlockSize];
        private NodeInfo?[] _nodes = new NodeInfo?[NodeList.BlockSize];
        private FragmentationTotals _sum;

        public FragmentationTotals Measure(NodeInfo?[] nodes)
        {
            if (nodes == _nodes)
            {
                return _sum;
            }

            var (fragmented, free) = (0.0, _sum.FreeMilli);
            for (var i = 0; i < nodes.Length; i++)
            {
                if (nodes[i] != _nodes[i])
                {
                    free += (nodes[i]?.FreeCardMilli ?? 0) - (_nodes[i]?.FreeCardMilli ?? 0);
                    _fragmented[i] = nodes[i] is { } node ? typical.FragmentedMilli(node) : 0;
                }

                fragmented += _fragmented[i];
            }

            _nodes = nodes;
            return _sum = new FragmentationTotals(fragmented, free);
        }
    }
}
