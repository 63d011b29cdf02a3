namespace GpuScheduler.Kubernetes;

/// <summary>What became of a bind.</summary>
public enum BindOutcomeKind
{
    /// <summary>The API server holds the pod as bound to the node, with the devices.</summary>
    Bound,

    /// <summary>The pod is not bound by this call, and will not be.</summary>
    Rejected,

    /// <summary>It may or may not be bound: the API server could not be asked. The watch will tell.</summary>
    Unknown,
}
