using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>A job that could be removed for a gang: a pod by itself, or all of a gang.</summary>
/// <param name="Victim">What it costs and gives back.</param>
/// <param name="Pods">Its pods that are bound and not on their way out, those without GPUs too.</param>
internal sealed record EvictionJob(EvictionVictim Victim, ImmutableArray<PodInfo> Pods);
