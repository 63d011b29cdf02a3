namespace GpuScheduler.Kubernetes;

/// <summary>How to reach the API server.</summary>
public sealed record KubernetesConnectionOptions
{
    /// <summary>
    /// Path of a kubeconfig. Null to look, in this order, at KUBECONFIG, at the service account of the pod this runs in, and at
    /// ~/.kube/config.
    /// </summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Context of the kubeconfig; null for its current one.</summary>
    public string? Context { get; init; }

    /// <summary>Longest time a single call may take. Lists and watches have limits of their own.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
