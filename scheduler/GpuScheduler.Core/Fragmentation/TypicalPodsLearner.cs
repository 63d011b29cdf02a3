using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>
/// Learns the typical pods from those that have arrived so far. It looks at its counts again whenever half as many pods have come
/// again as it last looked at, so that the policy's cached scores are dropped a few times and not with every pod. Thread-safe.
/// </summary>
public sealed class TypicalPodsLearner : ITypicalPodsSource, IArrivalObserver
{
    private readonly Lock _gate = new();
    private readonly TypicalPodCounts _counts = new();
    private TypicalPods _current = TypicalPods.None;
    private long _version;
    private int _next = 1;

    /// <inheritdoc/>
    public TypicalPods Current => Volatile.Read(ref _current);

    /// <inheritdoc/>
    public long Version => Volatile.Read(ref _version);

    /// <inheritdoc/>
    public void Observe(PodInfo pod, bool isNew, Snapshot snapshot)
    {
        if (!isNew)
        {
            return;
        }

        lock (_gate)
        {
            _counts.Add(pod);
            if (_counts.Total < _next)
            {
                return;
            }

            _next = _counts.Total + Math.Max(1, _counts.Total / 2);
            Volatile.Write(ref _current, _counts.ToTypicalPods());
            Volatile.Write(ref _version, _version + 1);
        }
    }
}
