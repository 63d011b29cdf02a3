using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// How well the GPUs of the pick are linked. Unless NVLink is preferred or required: the NVLink bandwidth of the set over that of
/// the node's best set of this size, so that a node is judged by what it could give. With preferred or required: the mean bandwidth
/// of a pair over <see cref="FullSpeedMBps"/>, so that faster machines win. One GPU, no links on the node, or "none": 1.
/// </summary>
internal sealed class Topology : IScorePlugin
{
    /// <summary>NVLink 4 with 18 links, 450 GB/s per direction (H100, H200): what counts as full speed.</summary>
    public const int FullSpeedMBps = 450_000;

    public string Name => "Topology";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick) => Ratio(state.Request, node.Facts, pick.Whole.NvlinkMBps);

    /// <summary>The score of a set of GPUs.</summary>
    /// <param name="request">What the pod asks for.</param>
    /// <param name="node">The node.</param>
    /// <param name="nvlinkMBps">NVLink bandwidth of the set, summed over its pairs.</param>
    public static double Ratio(GpuRequest request, NodeFacts node, long nvlinkMBps)
    {
        var gpus = request.WholeGpus;
        if (gpus < 2 || request.Nvlink == NvlinkRequirement.None)
        {
            return 1;
        }

        if (request.Nvlink is NvlinkRequirement.Preferred or NvlinkRequirement.Required)
        {
            var pairs = gpus * (gpus - 1) / 2;
            return Math.Min(1, nvlinkMBps / ((double)pairs * FullSpeedMBps));
        }

        var best = node.Sets.BestNvlinkMBps(gpus);
        return best == 0 ? 1 : nvlinkMBps / (double)best;
    }
}
