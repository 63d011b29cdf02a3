using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>One line of a recording: a change that came from outside, or a decision with what it was asked and what it answered.</summary>
public sealed record RecordedStep
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What it is.</summary>
    public required RecordedStepKind Kind { get; init; }

    /// <summary>How the engine was set up, on the first line.</summary>
    public RecordedSettings? Settings { get; init; }

    /// <summary>The change.</summary>
    public ClusterChange? Change { get; init; }

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

/// <summary>What a line of a recording is.</summary>
public enum RecordedStepKind
{
    /// <summary>The first line.</summary>
    Start,

    /// <summary>A change from outside.</summary>
    Change,

    /// <summary>Nodes were filtered.</summary>
    Filter,

    /// <summary>Nodes were scored.</summary>
    Prioritize,

    /// <summary>Victims were chosen.</summary>
    Preempt,

    /// <summary>Devices were promised, or not, at bind.</summary>
    Promise,

    /// <summary>A promised pod was bound.</summary>
    Commit,

    /// <summary>A promised pod was not bound for certain.</summary>
    BindFailed,

    /// <summary>A decision about a member of a gang, which is not recorded.</summary>
    OfGang,

    /// <summary>The last line of a recording that reached its size.</summary>
    Full,
}

/// <summary>How an engine was set up.</summary>
/// <param name="Weights">The weights of its scores.</param>
/// <param name="AnswerOneNode">See <see cref="EngineOptions.AnswerOneNode"/>.</param>
/// <param name="Holds">How long holds last.</param>
public sealed record RecordedSettings(ScoreWeights Weights, bool AnswerOneNode, LedgerOptions Holds);
