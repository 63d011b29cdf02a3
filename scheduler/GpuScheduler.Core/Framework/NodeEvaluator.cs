using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Framework;

/// <summary>The plugins of a profile, asked about one node: the one place from which filters and scores are called.</summary>
internal sealed class NodeEvaluator
{
    private readonly Profile _profile;
    private readonly WeightedScore[] _gpuScores;
    private readonly WeightedScore[] _cpuOnlyScores;
    private readonly IFilterPlugin[] _filters;

    public NodeEvaluator(Profile profile)
    {
        _profile = profile;
        _filters = [.. profile.Filters];
        _gpuScores = [.. profile.Scores.Where(s => s.Plugin.ScoresGpuPods)];
        _cpuOnlyScores = [.. profile.Scores.Where(s => s.Plugin.ScoresCpuOnlyPods)];
    }

    /// <summary>Changes whenever the plugins may score the same differently.</summary>
    public long Version
    {
        get
        {
            var version = 0L;
            foreach (var (plugin, _) in _profile.Scores)
            {
                version += plugin.Version;
            }

            return version;
        }
    }

    /// <summary>What the filters say. <see cref="Reasons.Held"/> means that the node without its tentative holds passes them all.</summary>
    public Status Judge(CycleState state, NodeInfo node)
    {
        foreach (var filter in _filters)
        {
            var status = filter.Filter(state, node);
            if (!status.IsSuccess)
            {
                return status == Reasons.Held && node.HasTentative && Judge(state, node.Firm) is { IsSuccess: false } other ? other : status;
            }
        }

        return Status.Success;
    }

    /// <summary>The weighted mean of the scores; <see cref="Best.NoScore"/> when the pod does not fit even without other pods' tentative holds.</summary>
    public double Score(CycleState state, NodeInfo node)
    {
        if (!DeviceAllocator.TryPick(state.Pod, node, _profile.CardOrder, out var pick, out _))
        {
            node = node.Firm;
            if (!DeviceAllocator.TryPick(state.Pod, node, _profile.CardOrder, out pick, out _))
            {
                return Best.NoScore;
            }
        }

        double sum = 0;
        double weights = 0;
        foreach (var (plugin, weight) in state.Request.WantsGpu ? _gpuScores : _cpuOnlyScores)
        {
            sum += weight * plugin.Score(state, node, pick);
            weights += weight;
        }

        return weights > 0 ? sum / weights : 0;
    }
}
