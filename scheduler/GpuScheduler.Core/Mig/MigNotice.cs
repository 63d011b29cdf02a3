namespace GpuScheduler.Core.Mig;

/// <summary>Something to be said of a node.</summary>
/// <param name="Node">The node.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Note">It in words.</param>
public sealed record MigNotice(string Node, MigNoticeKind Kind, string Note)
{
    /// <summary>True when somebody may have to do something.</summary>
    public bool IsWarning => Kind is MigNoticeKind.Failed or MigNoticeKind.GivenUp;
}
