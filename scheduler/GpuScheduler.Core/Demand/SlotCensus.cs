using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Demand;

/// <summary>Counts the slots of a cluster time and again, at the cost of what changed. Not thread-safe.</summary>
internal sealed class SlotCensus
{
    private NodeInfo?[][] _blocks = [];
    private long[] _counts = [];   // of each block: what is free on cards, in milli-GPU, then the slots by size
    private long[] _totals = [];   // the same, of all blocks
    private ImmutableArray<Slot> _slots = [];

    /// <summary>Counts.</summary>
    /// <param name="snapshot">The cluster.</param>
    /// <param name="slots">The sizes to count; prices do not matter.</param>
    /// <param name="perSize">Receives how many slots there are of each size.</param>
    /// <returns>What is free on all cards, in milli-GPU.</returns>
    public long Count(Snapshot snapshot, ImmutableArray<Slot> slots, Span<long> perSize)
    {
        var blocks = snapshot.Nodes.Blocks;
        if (blocks.Length != _blocks.Length || !Same(slots, _slots))
        {
            _blocks = new NodeInfo?[blocks.Length][];
            _totals = new long[1 + slots.Length];
            _counts = new long[blocks.Length * _totals.Length];
            _slots = slots;
        }

        for (var i = 0; i < blocks.Length; i++)
        {
            if (_blocks[i] != blocks[i])
            {
                _blocks[i] = blocks[i];
                Recount(blocks[i], _counts.AsSpan(i * _totals.Length, _totals.Length));
            }
        }

        _totals.AsSpan(1).CopyTo(perSize);
        return _totals[0];
    }

    private static bool Same(ImmutableArray<Slot> a, ImmutableArray<Slot> b)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        for (var i = 0; i < a.Length; i++)
        {
            if (a[i].Cards != b[i].Cards || a[i].CpuMilli != b[i].CpuMilli)
            {
                return false;
            }
        }

        return true;
    }

    private void Recount(NodeInfo?[] block, Span<long> counts)
    {
        for (var i = 0; i < counts.Length; i++)
        {
            _totals[i] -= counts[i];
        }

        counts.Clear();
        foreach (var node in block)
        {
            if (node is null)
            {
                continue;
            }

            counts[0] += node.FreeCardMilli;
            for (var size = 0; size < _slots.Length; size++)
            {
                counts[1 + size] += _slots[size].On(node.FreeGpus, node.Facts.CpuMilli > 0 ? node.FreeCpuMilli : null);
            }
        }

        for (var i = 0; i < counts.Length; i++)
        {
            _totals[i] += counts[i];
        }
    }
}
