namespace GpuScheduler.Core.Mig;

/// <summary>How far a change is.</summary>
public enum MigPhase
{
    /// <summary>The node is closed; its labels are about to be written.</summary>
    Asking,

    /// <summary>mig-manager is at it.</summary>
    Changing,

    /// <summary>It failed, and the configuration before is about to be asked for.</summary>
    AskingBack,

    /// <summary>mig-manager is at the configuration before.</summary>
    Restoring,

    /// <summary>It is over; our labels are about to be removed.</summary>
    Ending,
}
