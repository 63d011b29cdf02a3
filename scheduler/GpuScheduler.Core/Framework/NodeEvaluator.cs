using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>The plugins of a profile, asked about one node: the one place from which filters and scores are called.</summary>
internal sealed class NodeEvaluator
{
    private readonly Profile _profile;
    private readonly WeightedScore[] _gpuScores;
    private readonly WeightedScore[] _cpuOnlyScores;
    private readonly WeightedScore[] _gpuScoresWithData;
    private readonly WeightedScore[] _cpuOnlyScoresWithData;
    private readonly IFilterPlugin[] _filters;

    public NodeEvaluator(Profile profile)
    {
        _profile = profile;
        _filters = [.. profile.Filters];
        _gpuScoresWithData = [.. profile.Scores.Where(s => s.Plugin.ScoresGpuPods)];
        _cpuOnlyScoresWithData = [.. profile.Scores.Where(s => s.Plugin.ScoresCpuOnlyPods)];
        _gpuScores = [.. _gpuScoresWithData.Where(s => !s.Plugin.ReadsData)];
        _cpuOnlyScores = [.. _cpuOnlyScoresWithData.Where(s => !s.Plugin.ReadsData)];
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

    /// <summary>The filters as a question about one node: null when it will do for the pod, else why not.</summary>
    public Func<NodeInfo, string?> Judge(PodInfo pod)
    {
        var state = new CycleState(pod);
        return node => Judge(state, node) is { IsSuccess: false } refusal ? refusal.Reason : null;
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
        foreach (var (plugin, weight) in ScoresFor(state.Pod))
        {
            sum += weight * plugin.Score(state, node, pick);
            weights += weight;
        }

        return weights > 0 ? sum / weights : 0;
    }

    private WeightedScore[] ScoresFor(PodInfo pod) => pod.Data is null
        ? (pod.Request.WantsGpu ? _gpuScores : _cpuOnlyScores)
        : (pod.Request.WantsGpu ? _gpuScoresWithData : _cpuOnlyScoresWithData);
}
