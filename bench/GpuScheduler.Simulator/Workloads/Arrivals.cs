using System.Collections.Immutable;

namespace GpuScheduler.Simulator.Workloads;

/// <summary>In which order the pods of a trace come with one seed, and which node wins among equals.</summary>
/// <param name="Pods">Positions in the trace, first arrival first; a repeated position is a copy.</param>
/// <param name="Nodes">Positions of the cluster's nodes in random order, best first.</param>
/// <param name="Origin">Where the order comes from.</param>
internal sealed record Arrivals(ImmutableArray<int> Pods, ImmutableArray<int> Nodes, ArrivalOrigin Origin);
