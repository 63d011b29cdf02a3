using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Demand;

/// <summary>Counts the slots of a cluster time and again, at the cost of what changed. Not thread-safe.</summary>
internal sealed class SlotCensus
{
    private NodeInfo?[][] _blocks = [];
    private Counts[] _counts = [];
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
            _counts = new Counts[blocks.Length];
            _slots = slots;
        }

        perSize.Clear();
        var free = 0L;
        for (var i = 0; i < blocks.Length; i++)
        {
            if (_blocks[i] != blocks[i])
            {
                _blocks[i] = blocks[i];
                _counts[i] = Count(blocks[i]);
            }

            free += _counts[i].FreeMilli;
            for (var size = 0; size < slots.Length; size++)
            {
                perSize[size] += _counts[i].Slots[size];
            }
        }

        return free;
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

    private Counts Count(NodeInfo?[] block)
    {
        var counts = new Counts(new long[_slots.Length]);
        foreach (var node in block)
        {
            if (node is null)
            {
                continue;
            }

            counts.FreeMilli += node.FreeCardMilli;
            for (var size = 0; size < _slots.Length; size++)
            {
                counts.Slots[size] += _slots[size].On(node.FreeGpus, node.Facts.CpuMilli > 0 ? node.FreeCpuMilli : null);
            }
        }

        return counts;
    }

    private record struct Counts(long[] Slots)
    {
        public long FreeMilli { get; set; }
    }
}
