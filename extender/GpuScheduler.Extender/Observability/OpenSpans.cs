using System.Diagnostics;

namespace GpuScheduler.Extender.Observability;

/// <summary>
/// Spans that stay open over several calls, by key: as many as allowed, and each for as long as it is used. The one that was not used for
/// longest is ended when there are too many. Thread-safe.
/// </summary>
/// <param name="most">How many at once.</param>
/// <param name="idle">How long one stays open without being used.</param>
/// <param name="time">The clock.</param>
internal sealed class OpenSpans<TKey>(int most, TimeSpan idle, TimeProvider time)
    where TKey : notnull
{
    /// <summary>Says why a span ended that nobody ended.</summary>
    public const string Forgotten = "gpuscheduler.forgotten";

    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, LinkedListNode<Entry>> _spans = [];
    private readonly LinkedList<Entry> _byUse = new(); // the one used last comes last

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _spans.Count;
            }
        }
    }

    public Activity? Find(TKey key)
    {
        lock (_gate)
        {
            return _spans.TryGetValue(key, out var node) ? Use(node) : null;
        }
    }

    /// <summary>The span of a key, or a new one.</summary>
    /// <param name="key">The key.</param>
    /// <param name="make">Makes a new one; null when none is to be.</param>
    /// <param name="isNew">True when it was made.</param>
    public Activity? FindOrAdd(TKey key, Func<Activity?> make, out bool isNew)
    {
        lock (_gate)
        {
            isNew = false;
            if (_spans.TryGetValue(key, out var node))
            {
                return Use(node);
            }

            var span = make();
            if (span is not null)
            {
                isNew = true;
                _spans[key] = _byUse.AddLast(new Entry(key, span, time.GetTimestamp()));
                while (_spans.Count > most || time.GetElapsedTime(_byUse.First!.Value.Used) > idle)
                {
                    Forget(_byUse.First!.Value, _spans.Count > most ? "too many are open" : "it was not heard of for long");
                }
            }

            return span;
        }
    }

    /// <summary>Takes a span out; whoever gets it ends it.</summary>
    public Activity? Take(TKey key)
    {
        lock (_gate)
        {
            if (!_spans.Remove(key, out var node))
            {
                return null;
            }

            _byUse.Remove(node);
            return node.Value.Span;
        }
    }

    /// <summary>Ends all.</summary>
    public void Clear(string why)
    {
        lock (_gate)
        {
            while (_byUse.First is { } first)
            {
                Forget(first.Value, why);
            }
        }
    }

    private Activity Use(LinkedListNode<Entry> node)
    {
        node.Value = node.Value with { Used = time.GetTimestamp() };
        _byUse.Remove(node);
        _byUse.AddLast(node);
        return node.Value.Span;
    }

    private void Forget(Entry entry, string why)
    {
        _byUse.Remove(_spans[entry.Key]);
        _spans.Remove(entry.Key);
        entry.Span.SetTag(Forgotten, why);
        Detached.End(entry.Span);
    }

    private sealed record Entry(TKey Key, Activity Span, long Used);
}
