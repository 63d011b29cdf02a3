using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>A job that may be evicted, whole.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Cost">What its eviction costs, for example lost GPU-seconds times priority; at least 1.</param>
/// <param name="Holds">What it gives back, one entry a node.</param>
public sealed record EvictionVictim(string Name, long Cost, ImmutableArray<EvictionHold> Holds);
