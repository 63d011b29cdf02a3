using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Mig;

/// <summary>What is to be changed in a cluster.</summary>
/// <param name="Changes">The nodes.</param>
/// <param name="Pods">The pods that have a place once that is done, with those that have one already.</param>
/// <param name="Problem">The question that was solved.</param>
/// <param name="Plan">Its answer.</param>
public sealed record MigClusterPlan(ImmutableArray<MigNodeChange> Changes, ImmutableArray<PodInfo> Pods, MigProblem Problem, MigPlan Plan);
