namespace GpuScheduler.Simulator.Runs;

/// <summary>The first pod on a shared card for which no node was found.</summary>
/// <param name="Arrival">Its number among the arrivals, from 0.</param>
/// <param name="LoadPercent">Arrived GPU load with it, in % of the cluster's GPUs.</param>
internal readonly record struct SharedRefusal(int Arrival, double LoadPercent);
