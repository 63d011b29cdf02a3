using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Verbs;

/// <summary>
/// The pods that were asked about with whole Nodes, without effect. One of them that is to be bound and was never asked about otherwise
/// means that kube-scheduler itself sends whole Nodes: that is said once.
/// </summary>
/// <param name="live">The pods that were asked about with effect.</param>
/// <param name="log">Where it is said.</param>
internal sealed partial class SimulatedPods(RecentPods live, ILogger<SimulatedPods> log)
{
    private readonly RecentPods _pods = new();
    private int _said;

    public void Remember(PodInfo pod) => _pods.Remember(pod);

    /// <summary>A pod is to be bound.</summary>
    public void Binds(string uid)
    {
        if (Volatile.Read(ref _said) == 0 && live.Find(uid) is null && _pods.Find(uid) is { } pod && Interlocked.Exchange(ref _said, 1) == 0)
        {
            LogWholeNodes(log, pod);
        }
    }

    [LoggerMessage(1170, LogLevel.Warning, "{Pod} is to be bound and was asked about with whole Nodes only, which holds no devices and plans no gangs: if your kube-scheduler has nodeCacheCapable: false, set it to true, or set Engine:WholeNodes=schedule here", EventName = "WholeNodesScheduled")]
    private static partial void LogWholeNodes(ILogger log, PodInfo pod);
}
