using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// The scores of all nodes for one shape of pod, and the best of each block of nodes, so that a node that changed costs a few dozen
/// comparisons and the best node of n is found among n/64 blocks and the 64 nodes of one. Not thread-safe.
/// </summary>
internal sealed class ShapeScores(ScoreKey key)
{
    private const int BlockBits = 6;
    private const int BlockSize = 1 << BlockBits;

    private double[] _scores = [];
    private double[] _blocks = [];

    /// <summary>The shape.</summary>
    public ScoreKey Key { get; } = key;

    /// <summary>The pod of the shape that the scores are for: where they say that it does not fit, no pod with more memory does.</summary>
    public CycleState? State { get; set; }

    /// <summary>How many changes of the cluster the scores have seen.</summary>
    public long Seen;

    /// <summary>Version of the plugins that gave the scores.</summary>
    public long Version { get; set; }

    /// <summary>How many positions there are.</summary>
    public int Length { get; private set; }

    /// <summary>How many scores there is room for.</summary>
    public int Room => _scores.Length;

    /// <summary>The scores by position; <see cref="Best.NoScore"/> where the pod cannot go.</summary>
    public ReadOnlySpan<double> Scores => _scores.AsSpan(0, Length);

    /// <summary>Makes room for more positions; the new ones have no score.</summary>
    public void Grow(int length)
    {
        if (length > _scores.Length)
        {
            var old = _scores.Length;
            var room = (Math.Max(length, old + (old / 2)) + BlockSize - 1) & -BlockSize;
            Array.Resize(ref _scores, room);
            Array.Fill(_scores, Best.NoScore, old, room - old);
            var blocks = _blocks.Length;
            Array.Resize(ref _blocks, room >> BlockBits);
            Array.Fill(_blocks, Best.NoScore, blocks, _blocks.Length - blocks);
        }

        Length = Math.Max(Length, length);
    }

    /// <summary>Sets a score.</summary>
    public void Set(int position, double score)
    {
        var before = _scores[position];
        _scores[position] = score;
        ref var best = ref _blocks[position >> BlockBits];
        if (score >= best)
        {
            best = score;
        }
        else if (before == best)
        {
            best = Best.NoScore;
            foreach (var other in _scores.AsSpan(position & -BlockSize, BlockSize))
            {
                best = Math.Max(best, other);
            }
        }
    }

    /// <summary>The first position with the highest score; -1 when there is none.</summary>
    public int First()
    {
        var block = 0;
        for (var i = 1; i < _blocks.Length; i++)
        {
            if (_blocks[i] > _blocks[block])
            {
                block = i;
            }
        }

        return _blocks.Length == 0 || _blocks[block] == Best.NoScore
            ? -1
            : (block << BlockBits) + _scores.AsSpan(block << BlockBits, BlockSize).IndexOf(_blocks[block]);
    }
}
