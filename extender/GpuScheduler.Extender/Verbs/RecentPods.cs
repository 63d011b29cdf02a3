using System.Collections.Concurrent;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Verbs;

/// <summary>
/// The pods of the last filter calls. A bind names a pod by UID only, and the watch may not have shown a new pod yet: it need not
/// be asked of the API when filter has just seen it.
/// </summary>
internal sealed class RecentPods
{
    private const int Most = 4096;

    private readonly ConcurrentDictionary<string, PodInfo> _pods = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();

    public void Remember(PodInfo pod)
    {
        if (_pods.TryAdd(pod.Uid, pod))
        {
            _order.Enqueue(pod.Uid);
            while (_order.Count > Most && _order.TryDequeue(out var oldest))
            {
                _pods.TryRemove(oldest, out _);
            }
        }
        else
        {
            _pods[pod.Uid] = pod;
        }
    }

    public PodInfo? Find(string uid) => _pods.GetValueOrDefault(uid);
}
