using System.Globalization;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Workloads;
using Spectre.Console;

namespace GpuScheduler.Simulator.Commands;

/// <summary>A run of the program: where it writes, and how it was called.</summary>
/// <param name="console">Where results go.</param>
/// <param name="arguments">The arguments as they were given.</param>
internal sealed class Session(IAnsiConsole console, IReadOnlyList<string> arguments)
{
    /// <summary>Width where there is no terminal: nothing is wrapped.</summary>
    public const int PlainWidth = 10_000;

    /// <summary>Where results go.</summary>
    public IAnsiConsole Console { get; } = console;

    /// <summary>The command line as it can be typed again.</summary>
    public string CommandLine { get; } = Spans.CommandLine(arguments);

    /// <summary>What makes the results of an experiment reproducible.</summary>
    public RunRecord Record(Experiment experiment) => new(CommandLine, Clusters.NodeOrders.NameOf(experiment.NodeOrder), experiment.TypicalFrom.Name);

    /// <summary>Says what is run.</summary>
    public void Describe(Experiment experiment)
    {
        var record = Record(experiment);
        var cluster = experiment.Cluster;
        void Line(string name, string text) => Console.MarkupLine($"[grey]{name,-9}[/] {Markup.Escape(text)}");
        Line("command", record.CommandLine);
        Line("version", $"{record.Version}, {RunRecord.Runtime}");
        Line("cluster", string.Create(CultureInfo.InvariantCulture, $"{cluster.Nodes.Length} nodes, {cluster.Gpus} GPUs: {cluster.Cluster.Source}"));
        foreach (var trace in experiment.Traces)
        {
            Line("workload", string.Create(CultureInfo.InvariantCulture, $"{trace.Name}: {trace.Pods.Count} pods: {trace.Source}"));
        }

        Line("runs", string.Create(CultureInfo.InvariantCulture, $"{experiment.Runs().Count}: {(experiment.Mode == RunMode.Fill ? $"fill-up to {experiment.FillTo * 100:0.#} %" : "over time")}, seeds {string.Join(", ", experiment.Seeds)}, node order {record.NodeOrder}, typical pods from {record.TypicalFrom}"));
        Console.WriteLine();
    }

    /// <summary>Runs an experiment, with a progress bar where somebody watches.</summary>
    public IReadOnlyList<RunResult> Run(Experiment experiment, int threads, bool quiet, CancellationToken cancellation) =>
        Run(experiment, experiment.Runs(), threads, quiet, cancellation);

    /// <summary>Runs some runs of an experiment, with a progress bar where somebody watches.</summary>
    public IReadOnlyList<RunResult> Run(Experiment experiment, IReadOnlyList<RunKey> runs, int threads, bool quiet, CancellationToken cancellation)
    {
        var runner = new Runner(experiment);
        if (quiet || !Console.Profile.Capabilities.Interactive || !Console.Profile.Out.IsTerminal)
        {
            return runner.RunAll(runs, threads, null, cancellation);
        }

        return Console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).Start(progress =>
        {
            var task = progress.AddTask("simulating", maxValue: runs.Count);
            return runner.RunAll(runs, threads, result =>
            {
                task.Description = Markup.Escape($"{result.Key.Trace.Name} {result.Key.Policy} {result.Key.Seed}");
                task.Increment(1);
            }, cancellation);
        });
    }

    /// <summary>What a reader must know to judge the results.</summary>
    public static IReadOnlyList<string> Notes(Experiment experiment, IReadOnlyList<RunResult> results)
    {
        var notes = new List<string>(experiment.Cluster.Cluster.Notes);
        notes.AddRange(experiment.Traces.SelectMany(t => t.Notes));
        var drawn = results.Where(r => r.Origin == ArrivalOrigin.Drawn).Select(r => (r.Key.Trace.Name, r.Key.Seed)).Distinct().ToList();
        if (drawn.Count > 0 && experiment.Mode == RunMode.Fill)
        {
            var which = experiment.Replay is null ? "" : $" for {string.Join("; ", drawn.GroupBy(d => d.Name, d => d.Seed).Select(g => $"{g.Key} seed {string.Join(", ", g)}"))}: {experiment.Replay} has none";
            notes.Add($"order of arrival: drawn by the simulator's own generator{which}. It follows the published rules with other random numbers");
        }

        var replayed = results.Where(r => r.Origin == ArrivalOrigin.Replay).Select(r => (r.Key.Trace.Name, r.Key.Seed)).Distinct().Count();
        if (replayed > 0)
        {
            notes.Add(string.Create(CultureInfo.InvariantCulture, $"order of arrival: replayed from {experiment.Replay} for {replayed} of {replayed + drawn.Count} traces and seeds"));
        }

        if (experiment.Mode == RunMode.Timed)
        {
            notes.Add("queue by priority, then by arrival, with back-filling; pods of a snapshot that run already never leave.");
            if (experiment.Timed.Stationary ?? experiment.Loads[0] is not null)
            {
                notes.Add("the run begins with as many pods running as the load has on average (--start empty begins without)");
            }

            if (results.Any(r => r.Origin == ArrivalOrigin.Drawn))
            {
                notes.Add("arrivals: pods picked from the trace at random, at the times of a Poisson process");
            }

            foreach (var trace in experiment.Traces.Where(t => !t.HasDurations))
            {
                notes.Add($"{trace.Name}: pods whose trace does not say how long they run, run {Spans.Show(experiment.Timed.DurationMs)}");
            }
        }

        return notes;
    }

    /// <summary>Prints notes.</summary>
    public void Print(IEnumerable<string> notes)
    {
        foreach (var note in notes)
        {
            Console.MarkupLine($"[yellow]note:[/] {Markup.Escape(note)}");
        }
    }
}
