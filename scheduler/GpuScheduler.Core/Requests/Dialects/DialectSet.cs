using System.Collections.Immutable;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>Which dialects are read in pods, and for which the assignment is written in the form that their device plugin reads.</summary>
/// <param name="Read">Those that are read; a pod in the words of others asks for nothing by them.</param>
/// <param name="Written">Those whose contract is written at bind.</param>
public sealed record DialectSet(ImmutableArray<ShareDialect> Read, ImmutableArray<ShareDialect> Written)
{
    /// <summary>All are read and written.</summary>
    public static DialectSet All { get; } = new(ShareDialects.All, ShareDialects.All);

    /// <summary>None is.</summary>
    public static DialectSet None { get; } = new([], []);

    internal bool Reads(ShareDialect dialect) => Read.Contains(dialect);

    internal bool Writes(ShareDialect dialect) => Written.Contains(dialect);
}
