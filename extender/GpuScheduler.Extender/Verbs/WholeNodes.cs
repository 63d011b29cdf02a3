namespace GpuScheduler.Extender.Verbs;

/// <summary>What a filter or prioritize call with whole Nodes, in place of their names, is taken for.</summary>
public enum WholeNodes
{
    /// <summary>A question of somebody who only wonders, such as a simulator of an autoscaler: it leaves no trace, and Nodes that are not known are judged by what was sent of them.</summary>
    Simulate,

    /// <summary>A call of a kube-scheduler with nodeCacheCapable: false: devices are held, gangs planned.</summary>
    Schedule,
}
