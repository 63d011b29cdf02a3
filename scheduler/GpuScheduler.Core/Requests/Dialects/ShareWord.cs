namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>What a resource of a dialect says of one container.</summary>
internal enum ShareWord
{
    /// <summary>On how many GPUs.</summary>
    Count,

    /// <summary>Memory on each, in MiB.</summary>
    Memory,

    /// <summary>Memory on each, in percent of the GPU's.</summary>
    MemoryPercent,

    /// <summary>Compute on each, in percent of the GPU's.</summary>
    Cores,

    /// <summary>Memory on one GPU, in the unit of the node's device plugin.</summary>
    MemoryUnits,
}
