using System.Collections.Concurrent;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Remembers what was worked out, up to a number of answers; beyond that it is worked out each time. For questions of which a cluster
/// asks few, while a stranger could make up any number. Thread-safe.
/// </summary>
/// <param name="answer">Works it out.</param>
/// <param name="most">Most answers that are remembered, give or take one a thread.</param>
internal sealed class BoundedMemo<TKey, TValue>(Func<TKey, TValue> answer, int most)
    where TKey : notnull
{
    private readonly ConcurrentDictionary<TKey, TValue> _known = new();
    private int _count;

    public TValue this[TKey key]
    {
        get
        {
            if (_known.TryGetValue(key, out var known))
            {
                return known;
            }

            var made = answer(key);
            if (Volatile.Read(ref _count) >= most)
            {
                return made;
            }

            if (_known.TryAdd(key, made))
            {
                Interlocked.Increment(ref _count);
                return made;
            }

            return _known[key];
        }
    }
}
