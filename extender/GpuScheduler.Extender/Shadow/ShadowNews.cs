using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Shadow;

/// <summary>What a shadow is told: one of these.</summary>
/// <param name="Change">A change of the cluster from outside.</param>
/// <param name="Groups">A change of what declares groups of pods.</param>
/// <param name="Pod">A pod that was decided on, and of which no watch tells.</param>
internal readonly record struct ShadowNews(ClusterChange? Change = null, GroupObjectChange? Groups = null, PodInfo? Pod = null);
