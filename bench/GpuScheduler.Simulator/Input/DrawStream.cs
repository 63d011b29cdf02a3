namespace GpuScheduler.Simulator.Input;

/// <summary>What random numbers are drawn for. The numbers are part of every result that was ever published: never reuse one.</summary>
internal enum DrawStream
{
    /// <summary>Order of arrivals, resampled pods, and the node order among equals.</summary>
    Arrivals = 1,

    /// <summary>Generated pods.</summary>
    Pods = 2,

    /// <summary>Times at which pods arrive, and how long they run.</summary>
    Times = 3,

    /// <summary>Which generated nodes are cut into MIG devices.</summary>
    Cluster = 4,

    /// <summary>Pods that run already when a timed run begins.</summary>
    Running = 5,
}
