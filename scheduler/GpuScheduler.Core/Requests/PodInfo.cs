using System.Collections.Immutable;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Core.Requests;

/// <summary>What the engine knows of a pod: who it is, what it asks for, and, once bound, where it runs and what it holds.</summary>
public sealed record PodInfo
{
    /// <summary>Unique id; never empty.</summary>
    public required string Uid { get; init; }

    /// <summary>Namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>What it asks for; <see cref="GpuRequest.None"/> when <see cref="Invalid"/> says that it cannot be understood.</summary>
    public required GpuRequest Request { get; init; }

    /// <summary>Why the request cannot be understood, in words for the pod's owner; null when it can.</summary>
    public string? Invalid { get; init; }

    /// <summary>The data sets and models that it works on; null when it names none.</summary>
    public DataNeeds? Data { get; init; }

    /// <summary>CPU requested, in milli-CPU.</summary>
    public long CpuMilli { get; init; }

    /// <summary>Memory requested, in bytes.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>When it was made (metadata.creationTimestamp); null when that is not known.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Priority (spec.priority); 0 when absent.</summary>
    public int Priority { get; init; }

    /// <summary>True when preemptionPolicy is Never.</summary>
    public bool NeverPreempts { get; init; }

    /// <summary>Name of the scheduler that is to place it.</summary>
    public string SchedulerName { get; init; } = "";

    /// <summary>The node it is bound to; null while it is pending.</summary>
    public string? NodeName { get; init; }

    /// <summary>True once the pod has succeeded or failed: it holds nothing any more.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>True once it is being deleted: it holds what it holds until it is gone, and takes no part in anything new.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>The gates that keep kube-scheduler from looking at it (spec.schedulingGates).</summary>
    public ImmutableArray<string> SchedulingGates { get; init; } = [];

    /// <summary>The node that its place in a gang was fixed to when its gate was removed (its node affinity names that node alone); null for none.</summary>
    public string? PlannedNode { get; init; }

    /// <summary>What else it asks of a node; null when that is not known, which leaves it to those who offer nodes. Read for pending pods that may be in a gang, or ask for MIG devices; for all that ask for GPUs where a shadow decides (<see cref="Shadow.ShadowCluster"/>).</summary>
    public NodeDemands? Demands { get; init; }

    /// <summary>What it says of the gang it belongs to; null when it is placed by itself.</summary>
    public GangMembership? Gang { get; init; }

    /// <summary>The devices its annotation names; null when it has none or it cannot be read (then see <see cref="AssignmentError"/>).</summary>
    public DeviceAssignment? Assignment { get; init; }

    /// <summary>The sharing dialect it asks in; null for our own words and for whole GPUs.</summary>
    public ShareDialect? Dialect { get; init; }

    /// <summary>
    /// What each container asks for, init containers first, in the terms of HAMi's and Volcano's device plugins. Known for pending pods
    /// that take part of what those hand out; else empty.
    /// </summary>
    public ImmutableArray<ContainerGpus> Containers { get; init; } = [];

    /// <summary>What another stack's annotations say that a bound pod holds; null where ours say it, or nothing does.</summary>
    public PeerAssignment? PeerAssignment { get; init; }

    /// <summary>Why the assignment annotation cannot be read; null when it can or is absent.</summary>
    public string? AssignmentError { get; init; }

    /// <summary>True while <see cref="GpuAnnotations.GangGate"/>, and no other gate, keeps it from kube-scheduler.</summary>
    public bool IsHeldByGangGate => SchedulingGates is [GpuAnnotations.GangGate];

    /// <summary>True for one that wants GPUs, is on no node, and is kept from none by the gate of others.</summary>
    public bool WaitsForGpus =>
        this is { NodeName: null, IsTerminal: false, IsTerminating: false, Invalid: null, Request.WantsGpu: true } && (SchedulingGates.IsEmpty || IsHeldByGangGate);

    /// <summary>The pod as it would be if it had never been placed.</summary>
    internal PodInfo OffItsNode() => this is { NodeName: null, PlannedNode: null, Assignment: null, AssignmentError: null, PeerAssignment: null }
        ? this
        : this with { NodeName = null, PlannedNode = null, Assignment = null, AssignmentError = null, PeerAssignment = null };

    /// <summary>namespace/name.</summary>
    public override string ToString() => $"{Namespace}/{Name}";
}
