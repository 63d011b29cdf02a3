namespace GpuScheduler.Core.Framework;

/// <summary>
/// Tells new pods from those that are asked for again. It remembers the last <see cref="MostRemembered"/> pods at least; one that
/// stays pending for longer than that counts as new once more. Thread-safe.
/// </summary>
internal sealed class ArrivedPods
{
    private const int MostRemembered = 32768;

    private readonly Lock _gate = new();
    private HashSet<string> _recent = new(StringComparer.Ordinal);
    private HashSet<string> _older = new(StringComparer.Ordinal);

    /// <summary>True when the pod has not been seen before.</summary>
    public bool IsNew(string uid)
    {
        lock (_gate)
        {
            if (_recent.Contains(uid))
            {
                return false;
            }

            if (_recent.Count == MostRemembered)
            {
                (_recent, _older) = (_older, _recent);
                _recent.Clear();
            }

            _recent.Add(uid);
            return !_older.Contains(uid);
        }
    }
}
