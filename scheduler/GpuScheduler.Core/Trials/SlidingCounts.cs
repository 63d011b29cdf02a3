namespace GpuScheduler.Core.Trials;

/// <summary>Counts of the last while, by kind. What is older leaves in steps of a twelfth of the window. Not thread-safe.</summary>
internal sealed class SlidingCounts
{
    private const int Slots = 12;

    private readonly TimeProvider _time;
    private readonly TimeSpan _slot;
    private readonly long[][] _counts;
    private readonly long[] _totals;
    private long _now;

    public SlidingCounts(int kinds, TimeSpan window, TimeProvider time)
    {
        _time = time;
        _slot = window / Slots;
        _counts = [.. Enumerable.Range(0, Slots).Select(_ => new long[kinds])];
        _totals = new long[kinds];
        _now = Slot();
    }

    /// <summary>How many of a kind there were within the window.</summary>
    public long this[int kind]
    {
        get
        {
            Advance();
            return _totals[kind];
        }
    }

    public void Add(int kind)
    {
        Advance();
        _counts[_now % Slots][kind]++;
        _totals[kind]++;
    }

    private void Advance()
    {
        var now = Slot();
        for (var steps = Math.Min(now - _now, Slots); steps > 0; steps--)
        {
            // With as many steps as there are slots all are emptied, whichever comes first.
            var gone = _counts[(now - steps + 1) % Slots];
            for (var kind = 0; kind < _totals.Length; kind++)
            {
                _totals[kind] -= gone[kind];
            }

            Array.Clear(gone);
        }

        _now = Math.Max(_now, now);
    }

    private long Slot() => _time.GetUtcNow().Ticks / _slot.Ticks;
}
