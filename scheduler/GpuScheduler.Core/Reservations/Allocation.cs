using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Reservations;

/// <summary>How firm a hold on devices is.</summary>
public enum AllocationState
{
    /// <summary>On the node the pod most likely goes to; yields to a bind of another pod, and expires.</summary>
    Tentative,

    /// <summary>
    /// Part of the plan of its gang: as firm to all others as a promise. It does not expire by itself, since members do not lose
    /// their places one by one: the gang's plan does (see <see cref="Gangs.GangScheduler"/>).
    /// </summary>
    Planned,

    /// <summary>Promised: the bind of the pod is on its way to the API server. Expires only if its outcome stays unknown.</summary>
    Promised,

    /// <summary>Bound by us; the watch has not shown it yet.</summary>
    Committed,

    /// <summary>Bound, as the API says.</summary>
    Bound,

    /// <summary>Bound, but the API does not say which devices it holds: these are what it most likely has.</summary>
    Presumed,
}

/// <summary>Devices of a node that a pod holds.</summary>
/// <param name="Pod">Who.</param>
/// <param name="Node">Name of the node.</param>
/// <param name="Devices">What; empty for a pod without GPUs, and for a bound pod whose devices are unknown.</param>
/// <param name="State">How firmly.</param>
/// <param name="Expires">Until when; null when it does not expire.</param>
public sealed record Allocation(PodInfo Pod, string Node, DeviceAssignment Devices, AllocationState State, DateTimeOffset? Expires = null)
{
    /// <summary>When a hold that expires was made; null for one that does not.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>True when it is, or may be, a part of a GPU.</summary>
    public bool UsesGpu => Pod.Request.WantsGpu || !Devices.Devices.IsEmpty;
}
