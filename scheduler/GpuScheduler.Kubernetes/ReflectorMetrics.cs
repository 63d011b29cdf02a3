using System.Diagnostics.Metrics;

namespace GpuScheduler.Kubernetes;

/// <summary>Counters of lists and watches, by resource.</summary>
internal static class ReflectorMetrics
{
    public const string MeterName = "GpuScheduler.Kubernetes";

    private static readonly Meter s_meter = new(MeterName);
    private static readonly Counter<long> s_lists = s_meter.CreateCounter<long>("gpuscheduler.kubernetes.lists", description: "Complete lists of a resource");
    private static readonly Counter<long> s_watches = s_meter.CreateCounter<long>("gpuscheduler.kubernetes.watches", description: "Watches of a resource that were opened");
    private static readonly Counter<long> s_errors = s_meter.CreateCounter<long>("gpuscheduler.kubernetes.errors", description: "Lists and watches that failed, and objects that could not be read");

    public static void Listed(string resource) => s_lists.Add(1, Tag(resource));

    public static void Watched(string resource) => s_watches.Add(1, Tag(resource));

    public static void Failed(string resource) => s_errors.Add(1, Tag(resource));

    private static KeyValuePair<string, object?> Tag(string resource) => new("resource", resource);
}
