namespace GpuScheduler.Kubernetes.Aggregation;

/// <summary>What an aggregated API server asks of the API server.</summary>
public interface IAggregation
{
    /// <summary>How to know the aggregator.</summary>
    /// <exception cref="KubernetesApiException">It cannot be read, or the API server was started without one.</exception>
    Task<FrontProxyTrust> ReadTrustAsync(CancellationToken cancellationToken);

    /// <summary>Whether a user may list a resource of a namespace.</summary>
    /// <param name="user">Name of the user.</param>
    /// <param name="groups">Groups of the user.</param>
    /// <param name="apiGroup">API group of the resource.</param>
    /// <param name="podNamespace">The namespace.</param>
    /// <param name="resource">The resource.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">There was no answer, or the question is not allowed.</exception>
    Task<bool> MayListAsync(string user, IReadOnlyCollection<string> groups, string apiGroup, string podNamespace, string resource, CancellationToken cancellationToken);
}
