using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>A profile with what is kept for it.</summary>
/// <param name="Profile">The plugins.</param>
/// <param name="Evaluator">Asks them.</param>
/// <param name="Index">Their scores; null when none are kept.</param>
internal sealed record Decider(Profile Profile, NodeEvaluator Evaluator, ScoreIndex? Index)
{
    public static Decider Of(ClusterState cluster, Profile profile, bool keepScores)
    {
        var evaluator = new NodeEvaluator(profile);
        return new Decider(profile, evaluator, keepScores ? new ScoreIndex(cluster, profile, evaluator) : null);
    }

    /// <summary>The filters as a question about one node: null when it will do for the pod, else why not.</summary>
    public Func<NodeInfo, string?> Judge(PodInfo pod) => Evaluator.Judge(pod);
}
