using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// A statement seen from the GPUs of a node, whose numbers may be others than its own. GPUs are the same if their UUIDs are; where one
/// side has no UUIDs at all, and both have as many GPUs, the order decides; the statement that the GPUs are from has them all.
/// </summary>
internal sealed class StatementView
{
    private readonly int[] _positions;

    public StatementView(NodeStatement statement, ImmutableArray<GpuStatement> gpus)
    {
        Statement = statement;
        _positions = new int[gpus.Length];
        var byOrder = gpus == statement.Gpus || (gpus.Length == statement.Gpus.Length && (gpus.All(g => g.Uuid is null) || statement.Gpus.All(g => g.Uuid is null)));
        for (var i = 0; i < gpus.Length; i++)
        {
            _positions[i] = byOrder ? i : gpus[i].Uuid is { } uuid ? PositionOf(uuid) : -1;
        }
    }

    public NodeStatement Statement { get; }

    /// <summary>True when it speaks of every GPU of the node.</summary>
    public bool Covers => Array.TrueForAll(_positions, p => p >= 0);

    /// <summary>What it says of a GPU of the node; null when it does not know that GPU.</summary>
    public GpuStatement? this[int gpu] => _positions[gpu] is >= 0 and var position ? Statement.Gpus[position] : null;

    /// <summary>A layer of a matrix of its GPUs, in the order of the node's; null when there is none or it lacks a GPU.</summary>
    public T[]? Layer<T>(InterconnectMatrix? matrix, Func<InterconnectMatrix, int, int, T> of)
    {
        if (matrix is null || matrix.GpuCount != Statement.Gpus.Length || !Covers)
        {
            return null;
        }

        var count = _positions.Length;
        var layer = new T[count * count];
        for (var a = 0; a < count; a++)
        {
            for (var b = 0; b < count; b++)
            {
                layer[(a * count) + b] = of(matrix, _positions[a], _positions[b]);
            }
        }

        return layer;
    }

    private int PositionOf(string uuid)
    {
        for (var i = 0; i < Statement.Gpus.Length; i++)
        {
            if (Statement.Gpus[i].Uuid == uuid)
            {
                return i;
            }
        }

        return -1;
    }
}
