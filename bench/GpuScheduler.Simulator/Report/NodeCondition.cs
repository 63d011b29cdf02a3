namespace GpuScheduler.Simulator.Report;

/// <summary>Whether a node takes pods.</summary>
internal enum NodeCondition
{
    /// <summary>It does.</summary>
    Ready,

    /// <summary>An operator closed it; its pods run on.</summary>
    Cordoned,

    /// <summary>Not ready, or its GPUs were reported unhealthy.</summary>
    Unhealthy,
}
