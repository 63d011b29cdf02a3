using System.Security.Cryptography;
using GpuScheduler.Simulator.Bounds;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Runs;
using Trace = GpuScheduler.Simulator.Workloads.Trace;

namespace GpuScheduler.Simulator.Output;

/// <summary>
/// Fills the report's model. Nothing in it depends on the machine or the moment, so that the same command line gives the same bytes:
/// wall time and memory are left to the other outputs.
/// </summary>
internal static class ReportBuilder
{
    /// <summary>Makes the model of an experiment's results.</summary>
    /// <param name="title">Heading.</param>
    /// <param name="record">What makes it reproducible.</param>
    /// <param name="experiment">What was run.</param>
    /// <param name="results">What came out.</param>
    /// <param name="notes">What a reader must know.</param>
    public static ReportModel Build(string title, RunRecord record, Experiment experiment, IReadOnlyList<RunResult> results, IReadOnlyList<string> notes) => new()
    {
        Title = title,
        CommandLine = record.CommandLine,
        Versions = Versions(record, experiment),
        Seeds = experiment.Seeds,
        Notes = notes,
        Scenarios = [.. experiment.Traces.Select(t => Scenario(t.Name, experiment, t, results))],
    };

    /// <summary>One scenario.</summary>
    public static ReportScenario Scenario(string name, Experiment experiment, Trace trace, IReadOnlyList<RunResult> results) => new()
    {
        Name = name,
        Description = $"{trace.Source}; on {experiment.Cluster.Cluster.Source}",
        Nodes = experiment.Cluster.Nodes.Length,
        Gpus = experiment.Cluster.Gpus,
        EndLoadPercent = Math.Round(experiment.FillTo * 100),
        Policies =
        [
            .. experiment.Policies.Select(p => Policy(p, experiment, [.. results.Where(r => ReferenceEquals(r.Key.Trace, trace) && r.Key.Policy == p)])),
        ],
        Bounds = Bounds([.. results.Where(r => ReferenceEquals(r.Key.Trace, trace) && r.Limit is not null)], (int)Math.Round(experiment.FillTo * 100)),
    };

    /// <summary>What the results depend on.</summary>
    public static IReadOnlyList<ReportVersion> Versions(RunRecord record, Experiment experiment) =>
    [
        new("simulator", record.Version),
        new("runtime", RunRecord.Runtime),
        new("node order", record.NodeOrder),
        new("typical pods from", record.TypicalFrom),
        .. experiment.Cluster.Cluster.File is { } file ? [new ReportVersion($"{Path.GetFileName(file)} (SHA-256)", Digest(file))] : Array.Empty<ReportVersion>(),
        .. experiment.Traces.Where(t => t.File is not null).Select(t => new ReportVersion($"{Path.GetFileName(t.File)} (SHA-256)", Digest(t.File!))),
    ];

    private static IReadOnlyList<ReportBound> Bounds(IReadOnlyList<RunResult> bounded, int end) =>
    [
        .. new[] { 100, end }.Distinct()
            .Select(load => (Load: load, Figure: MeanAndDeviation.Of(bounded.Select(r => r.Limit!.At(load)?.Allocation))))
            .Where(b => b.Figure.Count > 0)
            .Select(b => new ReportBound(b.Load, b.Figure.Mean, FillLimits.Premise(bounded))),
    ];

    private static ReportPolicy Policy(string id, Experiment experiment, IReadOnlyList<RunResult> results) => new()
    {
        Id = id,
        Name = PolicyNames.Of(id),
        Own = id == PolicyNames.Own,
        Runs = [.. results.Where(r => r.Fill is not null).Select(r => Fill(r.Key.Seed, r.Fill!, (int)Math.Round(experiment.FillTo * 100)))],
        TimedRuns =
        [
            .. results.Where(r => r.Timed is not null).Select(r => new Report.TimedRun
            {
                Seed = r.Key.Seed,
                LoadPercent = Math.Round(r.Timed!.OfferedPercent, 1),
                WaitSeconds = [.. r.Timed.WaitsMs.Select(w => w / 1000.0)],
                NeverStarted = r.Timed.NeverStarted,
                Allocation = r.Timed.Allocation,
            }),
        ],
        Map = results.FirstOrDefault(r => r.Map is not null)?.Map,
    };

    private static ReportRun Fill(long seed, FillOutcome fill, int end) => new()
    {
        Seed = seed,
        Curve = [.. fill.Curve.Select(p => new CurvePoint(p.Load, p.Allocation, p.FragmentRatio))],
        AllocationAt100 = fill.At(100)?.Allocation,
        AllocationAtEnd = fill.At(end)?.Allocation,
        IdleGpusAtEnd = fill.At(end)?.IdleGpus,
        Idle = IdleByRemainder.Of(fill.FreeCards),
        FailedPods = fill.Failed,
    };

    private static string Digest(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
