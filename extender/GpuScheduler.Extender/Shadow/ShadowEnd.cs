namespace GpuScheduler.Extender.Shadow;

/// <summary>Why a comparison ended.</summary>
internal enum ShadowEnd
{
    /// <summary>More changes waited than <see cref="ShadowSettings.QueueLimit"/>.</summary>
    Overflow,

    /// <summary>A fault of ours.</summary>
    Fault,

    /// <summary>Another replica leads.</summary>
    Standby,

    /// <summary>Another profile serves now.</summary>
    Profile,

    /// <summary>The service stops.</summary>
    Stopping,
}
