namespace GpuScheduler.Kubernetes;

/// <summary>Whether a caller may do something.</summary>
public enum AccessKind
{
    /// <summary>It may.</summary>
    Allowed,

    /// <summary>The API server does not know the token.</summary>
    Unauthenticated,

    /// <summary>The API server knows the caller, and no rule allows it.</summary>
    Forbidden,
}
