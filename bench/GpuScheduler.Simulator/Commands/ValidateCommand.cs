using System.CommandLine;
using System.Globalization;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Workloads;
using Spectre.Console;

namespace GpuScheduler.Simulator.Commands;

/// <summary>validate: replays the published experiment and compares.</summary>
internal static class ValidateCommand
{
    /// <summary>The command.</summary>
    public static Command Create(Session session)
    {
        var openb = new Option<string>("--openb") { Description = $"Folder with {OpenbNodes.UsualFile} and openb_pod_list_TRACE.csv.", HelpName = "DIR", Required = true };
        var replay = new Option<string>("--replay") { Description = "Folder with the arrival orders TRACE_SEED.txt.", HelpName = "DIR", Required = true };
        var expected = new Option<string?>("--expected") { Description = $"Published results. Default: {PublishedCurves.UsualFile} in the folder of --replay.", HelpName = "FILE" };
        var traces = new Option<string>("--traces") { Description = "Traces, separated by commas, or all: every one of which pods, orders and results are there.", HelpName = "NAMES", DefaultValueFactory = _ => "all" };
        var policies = new Option<string>("--policies") { Description = $"Policies, separated by commas: {string.Join(", ", PublishedCurves.Policies)}.", HelpName = "NAMES", DefaultValueFactory = _ => string.Join(',', PublishedCurves.Policies) };
        var seeds = new Option<string?>("--seeds") { Description = "Seeds, 42-44 or 42,45. Default: all that are there.", HelpName = "SEEDS" };
        var threads = new Option<int>("--threads") { Description = "Runs at a time. Default: the number of cores.", HelpName = "COUNT", DefaultValueFactory = _ => Environment.ProcessorCount };
        var quiet = new Option<bool>("--quiet") { Description = "Print the verdict only." };
        var command = new Command("validate", "Replays the published openb experiment (FGD, USENIX ATC 2023) with its arrival orders and compares the allocation per seed at every load point. Exit code 1 when one differs by more than 0.01 points.")
        {
            openb, replay, expected, traces, policies, seeds, threads, quiet,
        };
        command.SetAction((parsed, cancellation) => Task.Run(
            () =>
            {
                var (folder, orders) = (parsed.GetValue(openb)!, parsed.GetValue(replay)!);
                var cluster = new ClusterFacts(OpenbNodes.Read(Path.Combine(folder, OpenbNodes.UsualFile)));
                string[] wanted = [.. Spans.Parts(parsed.GetValue(policies)!)];
                if (wanted.FirstOrDefault(p => !PublishedCurves.Policies.Contains(p)) is { } unknown)
                {
                    throw new InputException($"policy {unknown} cannot be replayed; those that can are {string.Join(", ", PublishedCurves.Policies)}");
                }

                var published = Select(parsed.GetValue(expected) ?? Path.Combine(orders, PublishedCurves.UsualFile), folder, orders, parsed.GetValue(traces)!, wanted, parsed.GetValue(seeds) is { } s ? Spans.Seeds(s) : null);
                var loaded = published.Select(p => p.Trace).Distinct().ToDictionary(t => t, t => WorkloadOptions.ReadOpenb(folder, t), StringComparer.Ordinal);
                var experiment = new Experiment { Cluster = cluster, Traces = [.. loaded.Values], Policies = wanted, Seeds = [.. published.Select(p => p.Seed).Distinct()], Replay = orders };
                var results = session.Run(experiment, [.. published.Select(p => new RunKey(loaded[p.Trace], p.Policy, p.Seed, null))], parsed.GetValue(threads), parsed.GetValue(quiet), cancellation);
                return Show(session, [.. results.Select((r, i) => Deviation.Of(r.Fill!, published[i]))], parsed.GetValue(quiet));
            },
            CancellationToken.None));
        return command;
    }

    private static List<PublishedCurves> Select(string file, string openb, string replay, string traces, string[] policies, IReadOnlyList<long>? seeds)
    {
        var rows = PublishedCurves.Read(file).Where(r => policies.Contains(r.Policy) && seeds?.Contains(r.Seed) != false).ToList();
        if (traces != "all")
        {
            var named = Spans.Parts(traces);
            if (named.FirstOrDefault(n => !rows.Exists(r => r.Trace == n)) is { } missing)
            {
                throw new InputException($"{file} has no such results for trace {missing}");
            }

            rows = [.. rows.Where(r => named.Contains(r.Trace))];
        }

        rows = [.. rows.Where(r => File.Exists(OpenbPods.PathOf(openb, r.Trace)) && File.Exists(ReplayOrder.PathOf(replay, r.Trace, r.Seed)))];
        return rows.Count > 0 ? rows : throw new InputException($"nothing to validate: of no trace in {file} there are pods in {openb} and arrival orders in {replay}");
    }

    private static int Show(Session session, IReadOnlyList<Deviation> deviations, bool quiet)
    {
        if (!quiet)
        {
            var table = ResultTables.NewTable("trace", "policy");
            ResultTables.Right(table, "seeds", "points", "largest difference of allocation", "of the ratio of fragments");
            table.AddColumn("");
            foreach (var group in deviations.GroupBy(d => (d.Trace, d.Policy)))
            {
                table.AddRow(
                    Markup.Escape(group.Key.Trace),
                    ResultTables.Policy(group.Key.Policy),
                    Text(group.Count()),
                    Text(group.Sum(d => d.Points)),
                    group.Max(d => d.Allocation).ToString("0.00", CultureInfo.InvariantCulture),
                    group.Max(d => d.FragmentRatio).ToString("0.000", CultureInfo.InvariantCulture),
                    group.All(d => d.IsFaithful) ? "[green]as published[/]" : $"[red]differs with seed {string.Join(", ", group.Where(d => !d.IsFaithful).Select(d => d.Seed))}[/]");
            }

            session.Console.Write(table);
        }

        var worst = deviations.MaxBy(d => d.Allocation)!;
        var wrong = deviations.Count(d => !d.IsFaithful);
        session.Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{deviations.Count} runs, {deviations.Sum(d => d.Points)} points: {(wrong == 0 ? "all as published" : $"{wrong} runs differ")}; largest difference {worst.Allocation:0.00} points ({worst.Trace}, {worst.Policy}, seed {worst.Seed}), of the ratio of fragments {deviations.Max(d => d.FragmentRatio):0.000}"));
        return wrong == 0 ? 0 : SimulatorProgram.NotAsWanted;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
