namespace GpuScheduler.Kubernetes;

/// <summary>What became of a bind.</summary>
/// <param name="Kind">The outcome.</param>
/// <param name="Message">Why, in words for an operator; null when it is bound.</param>
public sealed record BindOutcome(BindOutcomeKind Kind, string? Message)
{
    /// <summary>Bound.</summary>
    public static BindOutcome Bound { get; } = new(BindOutcomeKind.Bound, null);

    /// <summary>True when the pod is bound.</summary>
    public bool IsBound => Kind == BindOutcomeKind.Bound;

    /// <summary>Rejected.</summary>
    public static BindOutcome Rejected(string message) => new(BindOutcomeKind.Rejected, message);

    /// <summary>Unknown.</summary>
    public static BindOutcome Unknown(string message) => new(BindOutcomeKind.Unknown, message);
}
