namespace GpuScheduler.Simulator.Workloads;

/// <summary>What job traces do not say.</summary>
internal sealed record JobSettings
{
    /// <summary>Most GPUs of one pod: a job that wants more is a gang of several.</summary>
    public required int MostGpusPerPod { get; init; }

    /// <summary>CPU for each GPU of a job, in milli-CPU.</summary>
    public long CpuMilliPerGpu { get; init; }

    /// <summary>How long a job runs whose trace does not say, in milliseconds.</summary>
    public long DurationMs { get; init; } = 3_600_000;
}
