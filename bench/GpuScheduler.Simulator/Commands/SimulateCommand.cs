using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using GpuScheduler.Simulator.Bounds;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Runs;
using Spectre.Console;

namespace GpuScheduler.Simulator.Commands;

/// <summary>simulate and compare: an experiment, and its results in tables and files.</summary>
internal static class SimulateCommand
{
    private const string SomePolicies = "fgd,bestfit,firstfit,leastallocated,mostallocated,default";

    /// <summary>simulate: a table of the results.</summary>
    public static Command Simulate(Session session) => Create(
        session,
        "simulate",
        "Places a workload on a cluster with several policies, for several seeds. Without any input it runs the built-in example.",
        SomePolicies,
        compare: false);

    /// <summary>compare: all policies, and how they stand to each other.</summary>
    public static Command Compare(Session session) => Create(
        session,
        "compare",
        "Like simulate, with all policies, their ratio to the better of FGD and FirstFit, and where their idle GPUs lie.",
        "all",
        compare: true);

    private static Command Create(Session session, string name, string description, string policies, bool compare)
    {
        var cluster = new ClusterOptions();
        var workload = new WorkloadOptions(cluster);
        var run = new RunOptions(cluster, workload, policies);
        var bound = new Option<bool>("--bound") { Description = "Fill-up: also how much any placement could have allocated of the same arrivals, an upper bound by linear optimization." };
        var output = new OutputOptions();
        var command = new Command(name, description);
        cluster.AddTo(command);
        workload.AddTo(command);
        run.AddTo(command);
        command.Options.Add(bound);
        output.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                output.Check(parsed);
                var experiment = run.Read(parsed, run.ReadCluster(parsed)) with { WithMaps = output.WantsHtml(parsed) };
                var threads = run.Threads(parsed);
                if (parsed.GetValue(bound) && experiment.Mode == RunMode.Timed)
                {
                    throw new InputException("--bound goes with --mode fill: it supposes that no pod leaves");
                }

                if (!output.Quiet(parsed))
                {
                    session.Describe(experiment);
                }

                var results = session.Run(experiment, threads, output.Quiet(parsed), cancellation);
                var notes = Session.Notes(experiment, results);
                var clock = Stopwatch.StartNew();
                if (parsed.GetValue(bound))
                {
                    results = FillLimits.Add(experiment, results, threads, cancellation);
                    notes = [.. notes, .. FillLimits.Notes(experiment, results)];
                }

                var seconds = clock.Elapsed.TotalSeconds;
                if (!output.Quiet(parsed))
                {
                    Show(session, experiment, results, compare, threads);
                    if (results.DistinctBy(r => r.Limit).Count(r => r.Limit is not null) is > 0 and var bounds)
                    {
                        session.Console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[grey]{bounds} upper bounds in {seconds:0.00} s[/]"));
                    }
                }

                session.Print(notes);
                var record = session.Record(experiment);
                output.Write(parsed, session, results, record, () => ReportBuilder.Build(Title(experiment), record, experiment, results, notes));
                return 0;
            },
            CancellationToken.None));
        return command;
    }

    private static void Show(Session session, Experiment experiment, IReadOnlyList<RunResult> results, bool compare, int threads)
    {
        var rows = ComparisonRow.Of(results);
        if (experiment.Mode == RunMode.Timed)
        {
            session.Console.Write(ResultTables.Timed(rows));
            if (ResultTables.Gangs(rows) is { } gangs)
            {
                session.Console.Write(gangs);
            }
        }
        else
        {
            if (compare)
            {
                rows = [.. rows.GroupBy(r => r.Trace).SelectMany(g => g.OrderBy(r => double.IsFinite(r.IdleAt130.Mean) ? r.IdleAt130.Mean : double.MaxValue))];
            }

            session.Console.Write(ResultTables.Fill(rows, compare, session.Console.Profile.Width));
            if (compare || experiment.Traces.Count == 1)
            {
                session.Console.Write(ResultTables.Idle(rows));
            }
        }

        session.Console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"[grey]peak memory of the process {results.Max(r => r.PeakMemoryMiB):0} MiB, {Math.Min(threads, results.Count)} runs at a time[/]"));
    }

    private static string Title(Experiment experiment)
    {
        var traces = string.Join(", ", experiment.Traces.Select(t => t.Name));
        var cluster = experiment.Cluster.Cluster.Name;
        return $"{(experiment.Mode == RunMode.Fill ? "Fill-up" : "Over time")}: {traces}{(traces == cluster ? "" : " on " + cluster)}";
    }
}
