using System.Reflection;
using System.Runtime.InteropServices;

namespace GpuScheduler.Simulator.Output;

/// <summary>What makes a result reproducible: the command line, versions and settings.</summary>
/// <param name="CommandLine">As it can be typed again.</param>
/// <param name="NodeOrder">The order of nodes among equals.</param>
/// <param name="TypicalFrom">Where typical pods came from.</param>
internal sealed record RunRecord(string CommandLine, string NodeOrder = "random", string TypicalFrom = "trace")
{
    /// <summary>Version of the simulator and, in a build from a checkout, its commit.</summary>
    public string Version { get; } = typeof(RunRecord).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";

    /// <summary>The runtime.</summary>
    public static string Runtime => RuntimeInformation.FrameworkDescription;
}
