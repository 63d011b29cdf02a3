using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Extender.Observability;

/// <summary>
/// How long gangs have been waiting, by looking at them from time to time: since the first look at which they were not running, so that a
/// restart begins anew. As many are remembered as there are. Thread-safe.
/// </summary>
internal sealed class GangWaits
{
    private volatile IReadOnlyList<GangWait> _now = [];
    private Dictionary<GangKey, GangWait> _known = [];
    private bool _hasLooked;

    /// <summary>The gangs that were not running at the last look.</summary>
    public IReadOnlyList<GangWait> Current => _now;

    /// <summary>Looks at all gangs there are. Returns how long those had waited that run now and did not before.</summary>
    public IReadOnlyList<TimeSpan> Look(IEnumerable<GangView> gangs, DateTimeOffset now)
    {
        var started = new List<TimeSpan>();
        var next = new Dictionary<GangKey, GangWait>();
        foreach (var gang in gangs)
        {
            var key = gang.Group.Key;
            var before = _known.GetValueOrDefault(key);
            var isNew = before is null && (_hasLooked || gang.State != GangState.Running);
            if (gang.State == GangState.Running)
            {
                if (isNew || before is { State: not GangState.Running })
                {
                    // One that came to run between two looks waited for less than their distance.
                    started.Add(before is null ? TimeSpan.Zero : now - before.Since);
                }

                next[key] = new GangWait(key, GangState.Running, now, now);
            }
            else
            {
                var waited = before is { State: not GangState.Running } ? before : new GangWait(key, gang.State, now, now);
                next[key] = waited.State == gang.State ? waited : waited with { State = gang.State, InState = now };
            }
        }

        (_known, _hasLooked) = (next, true);
        _now = [.. next.Values.Where(w => w.State != GangState.Running)];
        return started;
    }
}
