namespace GpuScheduler.Core.Gangs;

/// <summary>What stands against a gang: the weakest of its demands without which it would fit.</summary>
public enum ShortfallCause
{
    /// <summary>The cluster has not enough room.</summary>
    Capacity,

    /// <summary>The cluster has enough room, but no domain of the required level has.</summary>
    Level,

    /// <summary>The domain has enough room, but not in whole segments or below the caps.</summary>
    Shape,

    /// <summary>Fixed members stand in several domains of the required level, or more of them than a cap allows.</summary>
    FixedMembers,
}
