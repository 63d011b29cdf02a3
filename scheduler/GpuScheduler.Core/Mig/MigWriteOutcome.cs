namespace GpuScheduler.Core.Mig;

/// <summary>What became of a <see cref="MigWrite"/>.</summary>
public enum MigWriteOutcome
{
    /// <summary>Written.</summary>
    Written,

    /// <summary>The node has another configuration than expected: somebody else is at it.</summary>
    Changed,

    /// <summary>The node is gone.</summary>
    Gone,

    /// <summary>The API server did not take it; it is tried again.</summary>
    Failed,
}
