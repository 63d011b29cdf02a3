using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Core.Plugins;

/// <summary>
/// 1 less what the pick spoils for later requests, from 0 to 1.
/// Whole GPUs: let C(f) = mean over k in {1, 2, 4, 8} of k·⌊f/k⌋, the GPUs that f free ones offer to requests of those sizes
/// (sizes that nest, so that this is exact for any mix of them). A pick of r out of f spoils C(f) − C(f−r) − C(r), of at most
/// 3.5 GPUs. MIG: the loss of value (see <see cref="MigValueTable"/>) over the value of an empty GPU. Shares: the growth of slivers
/// per card, plus what opening idle cards spoils, C(f) − C(f−opened) over C's largest step.
/// </summary>
internal sealed class Spoilage : IScorePlugin
{
    private const double WorstWhole = (2 + 4 + 8) / 4.0;
    private const double LargestStep = (1 + 2 + 4 + 8) / 4.0;

    public string Name => "Fragmentation";

    public double Score(CycleState state, NodeInfo node, in DevicePick pick)
    {
        var request = state.Request;
        var spoilt = 0.0;
        if (request.WholeGpus > 0)
        {
            spoilt += (Offer(node.FreeGpus) - Offer(node.FreeGpus - request.WholeGpus) - Offer(request.WholeGpus)) / WorstWhole;
        }

        if (request.ShareCount > 0)
        {
            spoilt += pick.SliverGrowth / (double)(SharePacking.WholeCard * request.ShareCount);
            spoilt += (Offer(node.FreeGpus) - Offer(node.FreeGpus - pick.Opened)) / LargestStep / 2;
        }

        if (!request.Mig.IsEmpty && node.Facts.Geometry is { } geometry)
        {
            spoilt += pick.MigLoss / (MigValueTable.For(geometry).ValueOf(0) * Math.Max(1, BitOperations.PopCount(node.Facts.MigMask)));
        }

        return Math.Clamp(1 - spoilt, 0, 1);
    }

    /// <summary>C(f) of the class's remarks.</summary>
    internal static double Offer(int free) => (free + (free / 2 * 2) + (free / 4 * 4) + (free / 8 * 8)) / 4.0;
}
