namespace GpuScheduler.Simulator.Workloads;

/// <summary>Where an order of arrivals comes from.</summary>
internal enum ArrivalOrigin
{
    /// <summary>A replay file.</summary>
    Replay,

    /// <summary>Drawn by the simulator's own generator.</summary>
    Drawn,

    /// <summary>The trace's own times.</summary>
    Trace,
}
