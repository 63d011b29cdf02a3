using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Cluster;

/// <summary>A change of the cluster that comes from outside: a call of the method of <see cref="ClusterState"/> that <see cref="Kind"/> names.</summary>
/// <remarks>Objects that declare groups of pods are not among them.</remarks>
public sealed record ClusterChange(ClusterChangeKind Kind)
{
    /// <summary>The nodes that were added or changed, or all that there are.</summary>
    public IReadOnlyCollection<NodeObject>? Nodes { get; init; }

    /// <summary>The pods that were added or changed, or all that there are.</summary>
    public IReadOnlyCollection<PodInfo>? Pods { get; init; }

    /// <summary>Name of the node, or UID of the pod.</summary>
    public string? Name { get; init; }

    /// <summary>Reports by node.</summary>
    public IReadOnlyDictionary<string, NodeReport>? Reports { get; init; }

    /// <summary>What a source says, by node.</summary>
    public IReadOnlyDictionary<string, NodeStatement>? Statements { get; init; }

    /// <summary>That source.</summary>
    public FactSource Source { get; init; }

    /// <summary>Whether a list of all pods is as new as everything written before it was asked for.</summary>
    public bool Consistent { get; init; }

    /// <summary>When a list of all pods was asked for.</summary>
    public DateTimeOffset? Asked { get; init; }

    /// <summary>Makes the change.</summary>
    public void ApplyTo(ClusterState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        switch (Kind)
        {
            case ClusterChangeKind.UpsertNode:
                state.UpsertNode(Nodes!.Single());
                break;
            case ClusterChangeKind.DeleteNode:
                state.DeleteNode(Name!);
                break;
            case ClusterChangeKind.ReplaceNodes:
                state.ReplaceNodes(Nodes!);
                break;
            case ClusterChangeKind.UpsertReport:
                state.UpsertReport(Name!, Reports![Name!]);
                break;
            case ClusterChangeKind.DeleteReport:
                state.DeleteReport(Name!);
                break;
            case ClusterChangeKind.ReplaceReports:
                state.ReplaceReports(Reports!);
                break;
            case ClusterChangeKind.UpsertStatement:
                state.UpsertStatement(Name!, Statements![Name!]);
                break;
            case ClusterChangeKind.DeleteStatement:
                state.DeleteStatement(Name!, Source);
                break;
            case ClusterChangeKind.ReplaceStatements:
                state.ReplaceStatements(Source, Statements!);
                break;
            case ClusterChangeKind.UpsertPod:
                state.UpsertPod(Pods!.Single());
                break;
            case ClusterChangeKind.DeletePod:
                state.DeletePod(Name!);
                break;
            case ClusterChangeKind.ReplacePods:
                state.ReplacePods(Pods!, Consistent, Asked);
                break;
            default:
                state.Expire();
                break;
        }
    }
}
