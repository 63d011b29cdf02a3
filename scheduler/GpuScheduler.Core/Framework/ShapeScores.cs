using System.Numerics;

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
    private ulong[] _known = [];   // a bit for each position, a word for each block

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

    /// <summary>True when the score at a position is that of the node as it is.</summary>
    public bool Knows(int position) => (_known[position >> BlockBits] >> position & 1) != 0;

    /// <summary>The score at a position has to be worked out again.</summary>
    public void Forget(int position) => _known[position >> BlockBits] &= ~(1UL << position);

    /// <summary>Everything has to be worked out again.</summary>
    public void Forget() => Array.Clear(_known);

    /// <summary>All scores have to be worked out again, but not where the pod cannot go.</summary>
    public void ForgetScores()
    {
        for (var block = 0; block < _blocks.Length; block++)
        {
            if (_blocks[block] == Best.NoScore)
            {
                continue;
            }

            var scores = _scores.AsSpan(block << BlockBits, BlockSize);
            for (var i = 0; i < scores.Length; i++)
            {
                _known[block] &= ~(scores[i] == Best.NoScore ? 0UL : 1UL << i);
            }
        }
    }

    /// <summary>The first position from <paramref name="from"/> on whose score has to be worked out; -1 when there is none.</summary>
    public int NextUnknown(int from)
    {
        for (var block = from >> BlockBits; block << BlockBits < Length; block++)
        {
            var unknown = ~_known[block];
            if (block == from >> BlockBits)
            {
                unknown &= ulong.MaxValue << from;
            }

            if (unknown != 0)
            {
                var position = (block << BlockBits) + BitOperations.TrailingZeroCount(unknown);
                return position < Length ? position : -1;
            }
        }

        return -1;
    }

    /// <summary>Makes room for more positions, whose scores have to be worked out.</summary>
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
            Array.Resize(ref _known, _blocks.Length);
        }

        Length = Math.Max(Length, length);
    }

    /// <summary>Sets a score.</summary>
    public void Set(int position, double score)
    {
        _known[position >> BlockBits] |= 1UL << position;
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
