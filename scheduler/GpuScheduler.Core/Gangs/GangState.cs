namespace GpuScheduler.Core.Gangs;

/// <summary>Where a gang stands.</summary>
public enum GangState
{
    /// <summary>Members, or the object that declares it, are not there yet.</summary>
    Waiting,

    /// <summary>Its declaration cannot be used.</summary>
    Invalid,

    /// <summary>Complete, and without places for all that it needs; it holds nothing beyond what is bound.</summary>
    Unplaced,

    /// <summary>All that it needs hold a place.</summary>
    Planned,

    /// <summary>Members wait at bind for others, or are being bound.</summary>
    Binding,

    /// <summary>All that it needs are bound.</summary>
    Running,
}
