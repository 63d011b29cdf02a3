using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Simulator.Generation;

/// <summary>A kind of pods that a workload is made of.</summary>
internal sealed record PodKind
{
    /// <summary>How often it occurs, relative to the others.</summary>
    public required double Weight { get; init; }

    /// <summary>CPU, a quantity of cores.</summary>
    public required string Cpu { get; init; }

    /// <summary>Memory, a quantity of bytes.</summary>
    public required string Memory { get; init; }

    /// <summary>GPUs; 0 for none.</summary>
    public int Gpus { get; init; }

    /// <summary>Share of one GPU in milli-GPU, 1 to 999; 0 for whole GPUs.</summary>
    public int Milli { get; init; }

    /// <summary>Compute slices of a MIG device, in place of GPUs; 0 for none. The profile is the cluster's smallest with so many.</summary>
    public int MigSlices { get; init; }

    /// <summary>Allowed models; empty for any.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Median of the time that it runs, in minutes.</summary>
    public double Minutes { get; init; } = 60;

    /// <summary>Priority.</summary>
    public int Priority { get; init; }

    /// <summary>What is wrong with it, or null.</summary>
    public string? Problem =>
        Weight is not (>= 0 and < 1e9) ? "weight must be 0 or more"
        : !Quantity.TryParseMilli(Cpu, out _) ? $"cpu \"{Cpu}\" is not a quantity such as 4 or 500m"
        : !Quantity.TryParseBytes(Memory, out _) ? $"memory \"{Memory}\" is not a quantity such as 16Gi"
        : Gpus is < 0 or > InterconnectMatrix.MostGpus ? $"gpus must be from 0 to {InterconnectMatrix.MostGpus}"
        : Milli is < 0 or > 999 ? "milli must be from 1 to 999, or 0 for whole GPUs"
        : Milli > 0 && Gpus != 1 ? "a share (milli) is of one GPU: gpus must be 1"
        : MigSlices > 0 && Gpus > 0 ? "migSlices and gpus exclude each other"
        : MigSlices is < 0 or > 7 ? "migSlices must be from 1 to 7"
        : Minutes is not (> 0 and < 1e7) ? "minutes must be above 0"
        : null;
}
