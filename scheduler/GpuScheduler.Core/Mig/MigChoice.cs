using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Mig;

/// <summary>Which GPU of many gets a device.</summary>
public enum MigChoice
{
    /// <summary>The first GPU, at the first place.</summary>
    FirstFit,

    /// <summary>The fullest GPU, at the first place.</summary>
    BestFit,

    /// <summary>Where the value of the GPU (<see cref="MigValueTable"/>) falls least.</summary>
    ValueTable,
}
