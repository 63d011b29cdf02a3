using System.Collections.Immutable;

namespace GpuScheduler.Kubernetes.Aggregation;

/// <summary>By what an aggregated API server knows the front proxy, the API server's aggregator, and learns for whom it calls.</summary>
/// <param name="Authorities">PEM: who signs its client certificate.</param>
/// <param name="AllowedNames">Common names that its certificate may have; empty for any.</param>
/// <param name="UserHeaders">Headers with the name of the user; the first that is there counts.</param>
/// <param name="GroupHeaders">Headers with the groups of the user; all count.</param>
public sealed record FrontProxyTrust(string Authorities, ImmutableArray<string> AllowedNames, ImmutableArray<string> UserHeaders, ImmutableArray<string> GroupHeaders);
