namespace GpuScheduler.Extender.Shadow;

/// <summary>What a shadow is at.</summary>
internal enum ShadowState
{
    /// <summary>It waits: the caches have not synced, or another replica leads.</summary>
    Standby,

    /// <summary>It compares.</summary>
    Running,

    /// <summary>A comparison ended; the next one begins in a while.</summary>
    Paused,
}
