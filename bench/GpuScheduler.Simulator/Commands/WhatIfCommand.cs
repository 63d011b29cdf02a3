using System.CommandLine;
using System.Globalization;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Runs;
using Spectre.Console;
using Markup = Spectre.Console.Markup;

namespace GpuScheduler.Simulator.Commands;

/// <summary>what-if: the same workload on a changed cluster, and how many nodes a wait takes.</summary>
internal sealed class WhatIfCommand
{
    private readonly Session _session;
    private readonly ClusterOptions _cluster = new();
    private readonly WorkloadOptions _workload;
    private readonly RunOptions _run;
    private readonly OutputOptions _output = new();
    private readonly Option<string[]> _add = Many("--add", "COUNTxSHAPE", "Add nodes: COUNTxPRODUCT:GPUS[:CPU[:MEMORY]]. May be repeated.");
    private readonly Option<string[]> _remove = Many("--remove", "NODE", "Remove a node, or all with LABEL=VALUE; its pods are placed anew. May be repeated.");
    private readonly Option<string[]> _cordon = Many("--cordon", "NODE", "Close a node, or all with LABEL=VALUE; its pods stay. May be repeated.");
    private readonly Option<string[]> _repartition = Many("--repartition", "NODE=LAYOUT", "Cut the GPUs of a node by MIG: NODE=PROFILE:COUNT,… in all, for example node-0003=1g.10gb:14,3g.40gb:4; NODE=none for whole GPUs. Its pods are placed anew. May be repeated.");
    private readonly Option<string?> _waitBelow = new("--wait-below") { Description = "Search for the smallest number of nodes on which pods wait less than this (needs --mode timed, and --of or --more).", HelpName = "TIME" };
    private readonly Option<string?> _of = new("--of") { Description = "With --wait-below: the shape of the nodes of a cluster of these alone: PRODUCT:GPUS[:CPU[:MEMORY]].", HelpName = "SHAPE" };
    private readonly Option<string?> _more = new("--more") { Description = "With --wait-below: the shape of nodes to add to the cluster.", HelpName = "SHAPE" };
    private readonly Option<double> _quantile = new("--quantile") { Description = "With --wait-below: the part of the pods that must wait less, in %.", HelpName = "PERCENT", DefaultValueFactory = _ => 95 };

    private WhatIfCommand(Session session)
    {
        _session = session;
        _workload = new WorkloadOptions(_cluster);
        _run = new RunOptions(_cluster, _workload, "fgd,default");
    }

    /// <summary>The command.</summary>
    public static Command Create(Session session)
    {
        var it = new WhatIfCommand(session);
        var command = new Command("what-if", "The same workload with nodes added, removed, cordoned or cut anew; and with --wait-below, how many nodes it takes.");
        foreach (var option in (ReadOnlySpan<Option>)[it._add, it._remove, it._cordon, it._repartition, it._waitBelow, it._of, it._more, it._quantile])
        {
            command.Options.Add(option);
        }

        it._cluster.AddTo(command);
        it._workload.AddTo(command);
        it._run.AddTo(command);
        it._output.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => it.Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static Option<string[]> Many(string name, string form, string description) =>
        new(name) { Description = description, HelpName = form, DefaultValueFactory = _ => [] };

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        _output.Check(parsed);
        var changes = new ClusterChanges
        {
            Add = parsed.GetValue(_add)!,
            Remove = parsed.GetValue(_remove)!,
            Cordon = parsed.GetValue(_cordon)!,
            Repartition = parsed.GetValue(_repartition)!,
        };
        var waitBelow = parsed.GetValue(_waitBelow);
        if (changes.IsEmpty && waitBelow is null)
        {
            throw new InputException("what if what? Give at least one of --add, --remove, --cordon, --repartition and --wait-below");
        }

        var before = _run.Read(parsed, _run.ReadCluster(parsed)) with { WithMaps = _output.WantsHtml(parsed) };
        var after = changes.IsEmpty ? before : before with { Cluster = new ClusterFacts(changes.ApplyTo(before.Cluster.Cluster)), LoadReference = before.Cluster };
        if (after.Cluster.Gpus == 0)
        {
            throw new InputException("after the changes the cluster has no usable GPU");
        }

        if (!_output.Quiet(parsed))
        {
            _session.Describe(after);
        }

        return waitBelow is null ? Compare(parsed, before, after, cancellation) : Search(parsed, after, Spans.Duration("--wait-below", waitBelow), cancellation);
    }

    private int Compare(ParseResult parsed, Experiment before, Experiment after, CancellationToken cancellation)
    {
        var (threads, quiet) = (_run.Threads(parsed), _output.Quiet(parsed));
        var asItIs = _session.Run(before, threads, quiet, cancellation);
        var changed = _session.Run(after, threads, quiet, cancellation);
        var notes = Session.Notes(after, [.. asItIs, .. changed]);
        if (!quiet)
        {
            Show(before, after, asItIs, changed);
        }

        _session.Print(notes);
        var record = _session.Record(after);
        _output.Write(parsed, _session, changed, record, () => ReportBuilder.Build($"What if: {after.Cluster.Cluster.Name}", record, after, changed, notes) with
        {
            Scenarios =
            [
                .. before.Traces.SelectMany(t => new[]
                {
                    ReportBuilder.Scenario($"{t.Name}, as it is", before, t, asItIs),
                    ReportBuilder.Scenario($"{t.Name}, changed", after, t, changed),
                }),
            ],
        });
        return 0;
    }

    private void Show(Experiment before, Experiment after, IReadOnlyList<RunResult> asItIs, IReadOnlyList<RunResult> changed)
    {
        var timed = before.Mode == RunMode.Timed;
        var table = ResultTables.NewTable("trace", "policy", "cluster");
        ResultTables.Right(table, "GPUs");
        if (timed)
        {
            ResultTables.Right(table, "load %", "mean\nallocation %", "wait:\nmean", "\n95 %", "waiting\nat the end", "never\nstarted");
        }
        else
        {
            ResultTables.Right(table, "pods\narrived", "GPUs allocated\nat the end", "idle\nGPUs", "failed\npods");
        }

        foreach (var (was, now) in ComparisonRow.Of(asItIs).Zip(ComparisonRow.Of(changed)))
        {
            foreach (var (row, experiment, name) in new[] { (was, before, "as it is"), (now, after, "changed") })
            {
                List<string> cells =
                [
                    row == was ? Markup.Escape(row.Trace) : "",
                    row == was ? ResultTables.Policy(row.Policy) : "",
                    name,
                    experiment.Cluster.Gpus.ToString(CultureInfo.InvariantCulture),
                ];
                cells.AddRange(timed
                    ?
                    [
                        row.Load?.ToString("0.#", CultureInfo.InvariantCulture) ?? "as it is",
                        ResultTables.Figure(row.MeanAllocation, "0.00"),
                        ResultTables.Duration(row.MeanWait.Mean),
                        ResultTables.Duration(row.Wait(0.95).Mean),
                        ResultTables.Figure(row.Waiting, "0.#"),
                        ResultTables.Figure(row.Failed, "0.#"),
                    ]
                    :
                    [
                        ResultTables.Figure(MeanAndDeviation.Of(row.Runs.Select(r => (double?)r.Fill!.Arrived)), "0"),
                        ResultTables.Figure(MeanAndDeviation.Of(row.Runs.Select(r => (double?)r.Fill!.UsedMilli / 1000)), "0.0"),
                        ResultTables.Figure(MeanAndDeviation.Of(row.Runs.Select(r => (double?)(experiment.Cluster.CapacityMilli - r.Fill!.UsedMilli) / 1000)), "0.0"),
                        ResultTables.Figure(row.Failed, "0.#"),
                    ]);
                table.AddRow([.. cells]);
            }
        }

        _session.Console.Write(table);
    }

    private int Search(ParseResult parsed, Experiment experiment, long belowMs, CancellationToken cancellation)
    {
        var (of, more) = (parsed.GetValue(_of), parsed.GetValue(_more));
        if ((of is null) == (more is null))
        {
            throw new InputException("--wait-below needs the shape of the nodes to count: --of for a cluster of these alone, or --more for the cluster and so many more");
        }

        if (experiment.Mode != RunMode.Timed || experiment.Loads.Count > 1)
        {
            throw new InputException("--wait-below goes with --mode timed and one --load at most");
        }

        var quantile = parsed.GetValue(_quantile) is > 0 and <= 100 and var percent ? percent / 100 : throw new InputException("--quantile: a percentage above 0 and at most 100 is allowed");
        var shape = NodeSpec.Parse(of ?? more!, experiment.Cluster.Cluster.Nodes);
        var answers = experiment.Policies
            .Select(p => new SizeSearch(experiment, p, shape, of is not null, quantile, belowMs, _run.Threads(parsed), cancellation).Find())
            .ToList();
        var goal = string.Create(CultureInfo.InvariantCulture, $"{quantile * 100:0.#} % of the pods wait less than {Spans.Show(belowMs)}");
        var nodes = of is null ? $"more nodes {shape}" : $"nodes {shape}";
        if (!_output.Quiet(parsed))
        {
            var steps = ResultTables.NewTable("policy");
            ResultTables.Right(steps, "nodes", "GPUs", string.Create(CultureInfo.InvariantCulture, $"wait: {quantile * 100:0.#} %"), "never started", "mean allocation %");
            steps.AddColumn("");
            foreach (var step in answers.SelectMany(a => a.Steps.OrderBy(s => s.Nodes)))
            {
                steps.AddRow([ResultTables.Policy(step.Policy), .. Cells(step).Skip(1).SkipLast(1).Select(Markup.Escape), step.Enough ? "[green]enough[/]" : "too few"]);
            }

            _session.Console.Write(steps);
        }

        foreach (var answer in answers)
        {
            _session.Console.MarkupLine(string.Create(CultureInfo.InvariantCulture, $"{ResultTables.Policy(answer.Policy)}: [bold]{answer.Nodes}[/] {Markup.Escape(nodes)}: {goal}{(answer.Nodes > 0 ? $"; with {answer.Nodes - 1} they do not" : "")}"));
        }

        // The report and the files show the answer's own runs.
        var notes = Session.Notes(experiment, []);
        _session.Print(notes);
        var record = _session.Record(experiment);
        var final = answers.SelectMany(a => a.Final.Results).ToList();
        _output.Write(parsed, _session, final, record, () => ReportBuilder.Build($"What if: {goal}", record, experiment with { WithMaps = false }, final, notes) with
        {
            Tables =
            [
                new ReportTable
                {
                    Title = "Steps of the search",
                    Caption = $"How many {nodes} it takes so that {goal}. The longest wait of the seeds counts; the smallest number that is enough is the answer, and one less was run as well.",
                    Columns = ["policy", "nodes", "GPUs", "wait", "never started", "mean allocation %", "enough"],
                    Rows = [.. answers.SelectMany(a => a.Steps.OrderBy(s => s.Nodes)).Select(Cells)],
                },
            ],
        });
        return 0;
    }

    private static IReadOnlyList<string> Cells(SizeStep step) =>
    [
        PolicyNames.Of(step.Policy),
        step.Nodes.ToString(CultureInfo.InvariantCulture),
        step.Gpus.ToString(CultureInfo.InvariantCulture),
        ResultTables.Duration(step.WaitMs),
        step.NeverStarted.ToString(CultureInfo.InvariantCulture),
        step.MeanAllocation.ToString("0.0", CultureInfo.InvariantCulture),
        step.Enough ? "yes" : "no",
    ];
}
