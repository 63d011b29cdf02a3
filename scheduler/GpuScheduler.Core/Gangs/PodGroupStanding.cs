namespace GpuScheduler.Core.Gangs;

/// <summary>What may be done with a group.</summary>
public enum PodGroupStanding
{
    /// <summary>It is no gang: each pod is placed by itself.</summary>
    Single,

    /// <summary>Members, or the object that declares it, are not there yet.</summary>
    Waiting,

    /// <summary>All it needs are there: it can be placed.</summary>
    Complete,

    /// <summary>What its pods and its object say cannot be used; somebody has to correct it.</summary>
    Invalid,
}
