using System.Collections.Immutable;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>Objects of other stacks that say what GPUs nodes have. Clusters may lack them.</summary>
internal static class SourceResources
{
    /// <summary>Devices of Koordinator.</summary>
    public static WatchedResource KoordinatorDevices { get; } = Optional("devices", "scheduling.koordinator.sh", "v1alpha1");

    /// <summary>ResourceSlices of dynamic resource allocation: GA since Kubernetes 1.34, beta 2 since 1.33, beta 1 since 1.32.</summary>
    public static WatchedResource ResourceSlices { get; } = Optional("resourceslices", "resource.k8s.io", "v1", "v1beta2", "v1beta1");

    /// <summary>All of them.</summary>
    public static ImmutableArray<WatchedResource> All { get; } = [ResourceSlices, KoordinatorDevices];

    private static WatchedResource Optional(string plural, string group, params string[] versions)
    {
        var paths = Array.ConvertAll(versions, version => $"apis/{group}/{version}/{plural}");
        return new WatchedResource(plural, paths[0], group, MayBeAbsent: true) { Title = $"{plural}.{group}", OtherPaths = [.. paths.Skip(1)], IsOptional = true };
    }
}
