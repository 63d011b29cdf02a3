using GpuScheduler.NodeAgent.Nvml;
using GpuScheduler.Testing.StandIn;

namespace GpuScheduler.NodeAgent.Tests;

internal static class StandInDriverExtensions
{
    /// <summary>A session with the stand-in, through the agent's own layer.</summary>
    public static INvml Open(this StandInDriver driver) => NvmlLibrary.Open(driver.Library);
}
