namespace GpuScheduler.Extender.Hosting;

/// <summary>What a replica is among the replicas.</summary>
internal enum Standing
{
    /// <summary>It decides. Also when there is no election.</summary>
    Leader,

    /// <summary>Another one decides, or none does at the moment.</summary>
    Follower,

    /// <summary>It still binds what it has let through, and lets nothing more through: it is about to stop.</summary>
    Draining,
}
