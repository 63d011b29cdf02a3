namespace GpuScheduler.Extender.Decisions;

/// <summary>What was decided.</summary>
internal enum DecisionKind
{
    /// <summary>Which nodes will do for a pod.</summary>
    Filter,

    /// <summary>Whom to remove for a pod.</summary>
    Preempt,

    /// <summary>Which node and devices a pod got, or why it got none.</summary>
    Bind,

    /// <summary>Where all members of a gang go, or why there is no room for them.</summary>
    Plan,

    /// <summary>That a gang gave its places back.</summary>
    Release,
}
