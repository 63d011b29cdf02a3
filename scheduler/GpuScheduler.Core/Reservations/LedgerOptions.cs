namespace GpuScheduler.Core.Reservations;

/// <summary>How long holds last.</summary>
public sealed record LedgerOptions
{
    /// <summary>
    /// A tentative hold: from the answer until the bind. Longer than kube-scheduler usually takes from scoring to bind; volume
    /// binding can take longer, and then the bind picks anew.
    /// </summary>
    public TimeSpan TentativeHold { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A promise whose bind has no known outcome; by then the watch has shown the pod if it was bound.</summary>
    public TimeSpan PromiseHold { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>A bind of ours that the watch has not shown yet.</summary>
    public TimeSpan CommitHold { get; init; } = TimeSpan.FromMinutes(5);
}
