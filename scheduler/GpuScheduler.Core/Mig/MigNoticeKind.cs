namespace GpuScheduler.Core.Mig;

/// <summary>What happened to the layout of a node.</summary>
public enum MigNoticeKind
{
    /// <summary>A change was decided.</summary>
    Started,

    /// <summary>The node offers what was asked for.</summary>
    Changed,

    /// <summary>It failed, or took too long; the configuration before is asked for again.</summary>
    Failed,

    /// <summary>After a failure the node is open again.</summary>
    Restored,

    /// <summary>Somebody else asked for another configuration meanwhile, or put a pod there; it is left to them.</summary>
    GivenUp,
}
