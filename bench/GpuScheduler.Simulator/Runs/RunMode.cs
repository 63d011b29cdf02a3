namespace GpuScheduler.Simulator.Runs;

/// <summary>What is simulated.</summary>
internal enum RunMode
{
    /// <summary>Pods arrive one after the other, are placed or dropped, and never leave.</summary>
    Fill,

    /// <summary>Pods arrive at times, wait, run and leave.</summary>
    Timed,
}
