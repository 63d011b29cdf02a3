using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Tests.Framework;

/// <summary>Pods that take any model go to the oldest GPUs, by compute capability: 1 for major version 7 and below, 0 for 12 and above.</summary>
internal sealed class OldGpusFirst : IScorePlugin
{
    public string Name => "OldGpusFirst";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick) =>
        !state.Request.LimitsModels && node.Facts.Labels.TryGetValue("nvidia.com/gpu.compute.major", out var text) && int.TryParse(text, CultureInfo.InvariantCulture, out var major)
            ? Math.Clamp((12 - major) / 5.0, 0, 1)
            : 0;
}
