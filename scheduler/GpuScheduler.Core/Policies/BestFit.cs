using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Policies;

/// <summary>
/// The node with the least left afterwards: the mean of CPU and cards, each over <see cref="Scale"/>. The experiment stretches the scores
/// of the feasible nodes to 0..100 afterwards, which changes neither order nor ties and is left out.
/// </summary>
internal sealed class BestFit : IScorePlugin
{
    public string Name => "BestFit";

    public bool ScoresCpuOnlyPods => true;

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var cpu = (node.FreeCpuMilli - state.Pod.CpuMilli) / Scale.CpuMilli;
        var cards = (node.FreeCardMilli - pick.TakenMilli(state.Request, node)) / (double)Scale.CardMilli;
        return (int)(100 * (1 - ((0.5 * cpu) + (0.5 * cards)))) / 100.0;
    }
}
