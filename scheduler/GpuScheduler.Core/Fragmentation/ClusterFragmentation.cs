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

    /// <summary>The sum of F over the nodes of a snapshot, in milli-GPU.</summary>
    public double FragmentedMilli(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var blocks = snapshot.Nodes.Blocks;
        while (_blocks.Count < blocks.Length)
        {
            _blocks.Add(new Block(typical));
        }

        var fragmented = 0.0;
        for (var i = 0; i < blocks.Length; i++)
        {
            fragmented += _blocks[i].FragmentedMilli(blocks[i]);
        }

        return fragmented;
    }

    /// <summary>What was measured of a block of nodes.</summary>
    private sealed class Block(TypicalPods typical)
    {
        private readonly double[] _fragmented = new double[NodeList.BlockSize];
        private NodeInfo?[] _nodes = new NodeInfo?[NodeList.BlockSize];
        private double _sum;

        public double FragmentedMilli(NodeInfo?[] nodes)
        {
            if (nodes == _nodes)
            {
                return _sum;
            }

            _sum = 0;
            for (var i = 0; i < nodes.Length; i++)
            {
                if (nodes[i] != _nodes[i])
                {
                    _fragmented[i] = nodes[i] is { } node ? typical.FragmentedMilli(node) : 0;
                }

                _sum += _fragmented[i];
            }

            _nodes = nodes;
            return _sum;
        }
    }
}
