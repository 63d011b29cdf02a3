using System.Collections.Immutable;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Decisions;

/// <summary>A decision, as it is kept, streamed and logged.</summary>
internal sealed record DecisionRecord
{
    /// <summary>Its number since the start of the process, from 1. The log gives it before anybody sees the record.</summary>
    public long Sequence { get; set; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What was decided.</summary>
    public required DecisionKind Kind { get; init; }

    /// <summary>Generation of the snapshot that it was made on.</summary>
    public required long Generation { get; init; }

    /// <summary>For which pod; null for a decision about a gang.</summary>
    public PodInfo? Pod { get; init; }

    /// <summary>The gang; null when it is about a pod without one.</summary>
    public GangKey? Gang { get; init; }

    /// <summary>How many nodes were asked about.</summary>
    public int Offered { get; init; }

    /// <summary>How many of them will do.</summary>
    public int Passed { get; init; }

    /// <summary>The others, by reason; the most frequent first.</summary>
    public ImmutableArray<Refusal> Refusals { get; init; } = [];

    /// <summary>The node of a bind.</summary>
    public string? Node { get; init; }

    /// <summary>What the pod got there; null unless it is bound.</summary>
    public DeviceAssignment? Devices { get; init; }

    /// <summary>The plan and its proof, or what else there is to say; null when the numbers say it all.</summary>
    public string? Text { get; init; }

    /// <summary>Why it was refused; null when it was not, or the refusals say so.</summary>
    public string? Error { get; init; }

    /// <summary>Which profile decided; null when one decides for all.</summary>
    public string? Profile { get; init; }

    /// <summary>True when the pod or gang got what it came for.</summary>
    public bool Succeeded => Error is null && (Kind is DecisionKind.Bind or DecisionKind.Plan || Passed > 0);
}
