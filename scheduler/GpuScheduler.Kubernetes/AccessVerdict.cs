namespace GpuScheduler.Kubernetes;

/// <summary>What the API server says of a caller.</summary>
/// <param name="Kind">Whether it may.</param>
/// <param name="User">Who it is; empty when that is not known.</param>
/// <param name="Why">Why not, for the caller; empty when it may.</param>
public sealed record AccessVerdict(AccessKind Kind, string User, string Why);
