namespace GpuScheduler.Core.Cluster;

/// <summary>The methods of <see cref="ClusterState"/> by which changes come from outside.</summary>
public enum ClusterChangeKind
{
    /// <summary><see cref="ClusterState.Expire"/>, when something expires.</summary>
    Expire,

    /// <summary><see cref="ClusterState.UpsertNode"/>.</summary>
    UpsertNode,

    /// <summary><see cref="ClusterState.DeleteNode"/>.</summary>
    DeleteNode,

    /// <summary><see cref="ClusterState.ReplaceNodes"/>.</summary>
    ReplaceNodes,

    /// <summary><see cref="ClusterState.UpsertReport"/>.</summary>
    UpsertReport,

    /// <summary><see cref="ClusterState.DeleteReport"/>.</summary>
    DeleteReport,

    /// <summary><see cref="ClusterState.ReplaceReports"/>.</summary>
    ReplaceReports,

    /// <summary><see cref="ClusterState.UpsertStatement"/>.</summary>
    UpsertStatement,

    /// <summary><see cref="ClusterState.DeleteStatement"/>.</summary>
    DeleteStatement,

    /// <summary><see cref="ClusterState.ReplaceStatements"/>.</summary>
    ReplaceStatements,

    /// <summary><see cref="ClusterState.UpsertPod"/>.</summary>
    UpsertPod,

    /// <summary><see cref="ClusterState.DeletePod"/>.</summary>
    DeletePod,

    /// <summary><see cref="ClusterState.ReplacePods"/>.</summary>
    ReplacePods,
}
