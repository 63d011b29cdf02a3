using System.Collections;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// The nodes of a snapshot by position; null at a free position. Kept in blocks, those that did not change shared with the snapshot before, so
/// that publishing a change copies two small arrays, whatever the size of the cluster.
/// </summary>
public readonly struct NodeList : IReadOnlyList<NodeInfo?>
{
    internal const int BlockBits = 7;
    internal const int BlockSize = 1 << BlockBits;

    private readonly NodeInfo?[][]? _blocks;

    internal NodeList(NodeInfo?[][] blocks, int length)
    {
        _blocks = blocks;
        Length = length;
    }

    /// <summary>How many positions there are, free ones included.</summary>
    public int Length { get; }

    int IReadOnlyCollection<NodeInfo?>.Count => Length;

    internal ReadOnlySpan<NodeInfo?[]> Blocks => _blocks;

    /// <summary>The node at a position; null when it is free.</summary>
    public NodeInfo? this[int position]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)Length, nameof(position));
            return _blocks![position >> BlockBits][position & (BlockSize - 1)];
        }
    }

    /// <summary>The list with other nodes at some positions.</summary>
    internal NodeList With(IEnumerable<(int Position, NodeInfo? Node)> changes, int length)
    {
        var blocks = new NodeInfo?[(length + BlockSize - 1) >> BlockBits][];
        Blocks.CopyTo(blocks);
        foreach (var (position, node) in changes)
        {
            ref var block = ref blocks[position >> BlockBits];
            if (block is null)
            {
                block = new NodeInfo?[BlockSize];
            }
            else if (position >> BlockBits < Blocks.Length && block == Blocks[position >> BlockBits])
            {
                block = [.. block];
            }

            block[position & (BlockSize - 1)] = node;
        }

        return new NodeList(blocks, length);
    }

    /// <summary>Goes through the positions in order.</summary>
    public Enumerator GetEnumerator() => new(this);

    IEnumerator<NodeInfo?> IEnumerable<NodeInfo?>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Goes through the positions in order.</summary>
    public struct Enumerator : IEnumerator<NodeInfo?>
    {
        private readonly NodeList _list;
        private int _position;

        internal Enumerator(NodeList list)
        {
            _list = list;
            _position = -1;
        }

        /// <summary>The node at the position reached; null when it is free.</summary>
        public readonly NodeInfo? Current => _list[_position];

        readonly object? IEnumerator.Current => Current;

        /// <summary>Goes on; false at the end.</summary>
        public bool MoveNext() => ++_position < _list.Length;

        /// <summary>Starts over.</summary>
        public void Reset() => _position = -1;

        /// <summary>Does nothing: there is nothing to free.</summary>
        public readonly void Dispose()
        {
        }
    }
}
