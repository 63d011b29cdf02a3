using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>
/// Measures the fragmentation of a cluster time and again, at the cost of what changed. It keeps the sums of the snapshot's blocks of
/// nodes and adds them up in order, so that the result depends on the snapshot alone and not on those before it. Not thread-safe.
/// </summary>
/// <param name="typical">The expected pods.</param>
public sealed class ClusterFragmentation(TypicalPods typical)
{
    private NodeInfo?[][] _blocks = [];
    private FragmentationTotals[] _sums = [];

    /// <summary>The sums over the nodes of a snapshot.</summary>
    public FragmentationTotals Measure(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var blocks = snapshot.Nodes.Blocks;
        if (blocks.Length != _blocks.Length)
        {
            Array.Resize(ref _blocks, blocks.Length);
            Array.Resize(ref _sums, blocks.Length);
        }

        var (fragmented, free) = (0.0, 0L);
        for (var i = 0; i < blocks.Length; i++)
        {
            if (_blocks[i] != blocks[i])
            {
                _blocks[i] = blocks[i];
                _sums[i] = Sum(blocks[i]);
            }

            fragmented += _sums[i].FragmentedMilli;
            free += _sums[i].FreeMilli;
        }

        return new FragmentationTotals(fragmented, free);
    }

    private FragmentationTotals Sum(NodeInfo?[] block)
    {
        var (fragmented, free) = (0.0, 0L);
        foreach (var node in block)
        {
            if (node is not null)
            {
                fragmented += typical.FragmentedMilli(node);
                free += node.FreeCardMilli;
            }
        }

        return new FragmentationTotals(fragmented, free);
    }
}
