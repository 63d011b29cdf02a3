namespace GpuScheduler.Core.Gangs;

/// <summary>How plainly a dialect says that a pod is in a gang. Where a pod carries several, the first tier with any counts.</summary>
internal enum GangTier
{
    /// <summary>Kubernetes' own fields.</summary>
    Native,

    /// <summary>A group that is named for the purpose of being scheduled together.</summary>
    Explicit,

    /// <summary>A group of a queue, which is admitted together.</summary>
    Queue,

    /// <summary>Nothing is said; that it is a gang follows from what its controller is for.</summary>
    Controller,
}
