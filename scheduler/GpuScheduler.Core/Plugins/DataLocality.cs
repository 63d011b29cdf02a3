using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// How near the data are that the pod works on: of each data set or model 1 where the node caches it, less the farther off what the
/// node reaches is (<see cref="DataReach"/>), 0 elsewhere; the mean of them by size, so that the bytes to move decide. Pods that name
/// no data are scored without it.
/// </summary>
internal sealed class DataLocality : IScorePlugin
{
    public string Name => "DataLocality";

    public bool ScoresCpuOnlyPods => true;

    public bool ReadsData => true;

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var near = node.Facts.Data;
        var sum = 0.0;
        if (near.Count > 0 && state.Pod.Data is { } data)
        {
            foreach (var need in data.Items)
            {
                sum += need.Part * near.GetValueOrDefault(need.Name);
            }
        }

        // The parts add up to 1 but for rounding.
        return Math.Min(1, sum);
    }
}
