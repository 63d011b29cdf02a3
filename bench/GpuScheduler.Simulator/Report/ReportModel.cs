using GpuScheduler.Simulator.Output;

namespace GpuScheduler.Simulator.Report;

/// <summary>
/// All that a report shows, as plain values. <see cref="HtmlReport"/> adds nothing of its own (no clock, no machine name), so that the
/// same model gives the same bytes. Every name and text may come from an untrusted cluster: the writer escapes it.
/// A number that is not finite is shown as missing.
/// </summary>
internal sealed record ReportModel
{
    /// <summary>Heading and window title.</summary>
    public required string Title { get; init; }

    /// <summary>When it was made; null leaves it out, which reproducible output needs.</summary>
    public DateTimeOffset? GeneratedAt { get; init; }

    /// <summary>The command line that gives this report again, as one would type it.</summary>
    public required string CommandLine { get; init; }

    /// <summary>What made it: tool, runtime, digest of an input.</summary>
    public IReadOnlyList<ReportVersion> Versions { get; init; } = [];

    /// <summary>Seeds that were run.</summary>
    public IReadOnlyList<long> Seeds { get; init; } = [];

    /// <summary>What a reader must know to judge the figures, e.g. that the tool drew the arrival order.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>
    /// Ids of the policies whose better one (fewest idle GPUs, mean of the seeds) is 1.00 in the column of ratios. Those that a scenario
    /// lacks are passed over; without any, the column is left out.
    /// </summary>
    public IReadOnlyList<string> Baselines { get; init; } = PolicyNames.Baselines;

    /// <summary>Traces, or variants of a cluster, in the order in which they are shown.</summary>
    public IReadOnlyList<ReportScenario> Scenarios { get; init; } = [];

    /// <summary>Further findings, such as the steps of a search or differences from published curves.</summary>
    public IReadOnlyList<ReportTable> Tables { get; init; } = [];
}
