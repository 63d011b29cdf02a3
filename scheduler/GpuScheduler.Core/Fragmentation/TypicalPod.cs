using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Fragmentation;

/// <summary>What pods of a kind ask for: the identity by which typical pods are told apart. Memory is not part of it.</summary>
/// <param name="CpuMilli">CPU, in milli-CPU.</param>
/// <param name="Cards">How many cards; 0 for a pod without GPUs.</param>
/// <param name="Milli">How much of each card, in milli-GPU: 1000 for whole ones.</param>
/// <param name="Models">The allowed models as written, separated by '|'; "" when any will do.</param>
public readonly record struct TypicalPod(long CpuMilli, int Cards, int Milli, string Models)
{
    /// <summary>
    /// The kind of a pod; null for one with MIG devices, which the fragmentation of whole and shared cards says nothing of. A share
    /// by memory alone counts with 0 milli-GPU: how much of a card it is depends on the card.
    /// </summary>
    public static TypicalPod? Of(PodInfo pod)
    {
        ArgumentNullException.ThrowIfNull(pod);
        var request = pod.Request;
        return !request.Mig.IsEmpty ? null
            : !request.WantsGpu ? new TypicalPod(pod.CpuMilli, 0, 0, "")
            : new TypicalPod(
                pod.CpuMilli,
                request.WholeGpus + request.ShareCount,
                request.WholeGpus > 0 ? SharePacking.WholeCard : Math.Max(request.ShareMilli, request.ShareMemoryPermille),
                string.Join('|', request.Models));
    }
}
