using System.Numerics;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Which positions changed, in order, as far back as a few changes of every node: whoever keeps something about the nodes asks what
/// changed since, rather than look at each. Not thread-safe: its owner, the cluster state, locks.
/// </summary>
internal sealed class ChangeLog
{
    private int[] _ring = new int[256];
    private long[] _latest = [];   // by position: number of its latest change

    /// <summary>How many changes there were.</summary>
    public long Count { get; private set; }

    /// <summary>A position changed.</summary>
    /// <param name="position">The position.</param>
    /// <param name="positions">How many positions there are.</param>
    public void Add(int position, int positions)
    {
        if (positions > _latest.Length)
        {
            Array.Resize(ref _latest, (int)BitOperations.RoundUpToPowerOf2((uint)positions));
            var longer = new int[Math.Max(_ring.Length, 4 * _latest.Length)];
            for (var change = Math.Max(0, Count - _ring.Length); change < Count; change++)
            {
                longer[change & (longer.Length - 1)] = _ring[change & (_ring.Length - 1)];
            }

            _ring = longer;
        }

        _ring[Count & (_ring.Length - 1)] = position;
        _latest[position] = Count++;
    }

    /// <summary>The positions that changed after the first <paramref name="since"/> changes, each once; false when that is too long ago to tell.</summary>
    public bool TryList(long since, List<int> positions)
    {
        if (Count - since > _ring.Length)
        {
            return false;
        }

        for (var change = since; change < Count; change++)
        {
            var position = _ring[change & (_ring.Length - 1)];
            if (_latest[position] == change)
            {
                positions.Add(position);
            }
        }

        return true;
    }
}
