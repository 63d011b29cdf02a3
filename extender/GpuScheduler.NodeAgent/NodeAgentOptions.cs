namespace GpuScheduler.NodeAgent;

/// <summary>Everything that can be set on the command line.</summary>
internal sealed record NodeAgentOptions
{
    /// <summary>Name of the node, and so of its GpuNode object.</summary>
    public required string NodeName { get; init; }

    /// <summary>The driver's library: a path, or a name that the loader finds.</summary>
    public string NvmlLibrary { get; init; } = Nvml.NvmlLibrary.DefaultName;

    /// <summary>The kubelet's socket.</summary>
    public string PodResourcesSocket { get; init; } = "/var/lib/kubelet/pod-resources/kubelet.sock";

    /// <summary>Where sysfs is mounted.</summary>
    public string Sysfs { get; init; } = "/sys";

    /// <summary>Folders whose entries are the data sets and models that the node caches.</summary>
    public IReadOnlyList<string> DataFolders { get; init; } = [];

    /// <summary>The kubeconfig file; null for the service account in a pod, else KUBECONFIG or ~/.kube/config.</summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Time between two looks at the driver and the kubelet. XIDs do not wait for it.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>When to write.</summary>
    public WritePolicy Writes { get; init; } = new();
}
