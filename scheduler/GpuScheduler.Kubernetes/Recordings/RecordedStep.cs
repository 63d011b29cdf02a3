using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>One line of a recording: a change that came from outside, or a decision with what it was asked and what it answered.</summary>
public sealed record RecordedStep
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What it is.</summary>
    public required RecordedStepKind Kind { get; init; }

    /// <summary>How the engine was set up, on the first line; how it is set up from here on, where that changed.</summary>
    public RecordedSettings? Settings { get; init; }

    /// <summary>The change.</summary>
    public ClusterChange? Change { get; init; }

    /// <summary>The change of objects that declare groups.</summary>
    public GroupObjectChange? GroupChange { get; init; }

    /// <summary>What the solver was asked and what it answered.</summary>
    public RecordedAnswer? Solved { get; init; }

    /// <summary>How the gangs were looked at.</summary>
    public RecordedTurn? Turn { get; init; }

    /// <summary>The pod that was decided on.</summary>
    public PodInfo? Pod { get; init; }

    /// <summary>Names of the nodes that were offered, null for one that is not known; left out when they are those of the line before that has some.</summary>
    public IReadOnlyList<string?>? Offered { get; init; }

    /// <summary>The candidates of a preemption.</summary>
    public IReadOnlyList<PreemptionCandidate>? Candidates { get; init; }

    /// <summary>The node of a promise.</summary>
    public string? Node { get; init; }

    /// <summary>The answer, in words for people and with a digest of all of it; two answers are the same when these are.</summary>
    public string? Verdict { get; init; }
}
