using System.Text.Json;
using GpuScheduler.Simulator.Tests.Reference;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

/// <summary>The program by its command line.</summary>
public sealed class ProgramTests
{
    private static readonly string[] s_promised = ["trace", "policy", "seed", "allocationAt100", "allocationAt130", "idleGpusAt130", "failedPods", "wallSeconds", "peakMemoryMiB"];

    [Fact]
    public async Task Results_are_a_JSON_array_with_the_promised_figures_and_say_where_the_order_is_drawn()
    {
        using var folder = new TemporaryFolder();
        new SyntheticOpenb(3, nodes: 24, pods: 260).Write(folder.Path, "default", 42);
        new SyntheticOpenb(4, nodes: 24, pods: 260).Write(folder.Path, "cpu050", 43);
        var json = Path.Combine(folder.Path, "r.json");
        var run = await ProgramRun.OfAsync("simulate", "--openb", folder.Path, "--replay", folder.Path, "--traces", "default,cpu050", "--seeds", "42-43", "--policies", "fgd,default", "--json", json);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("drawn by the simulator's own generator for default seed 43; cpu050 seed 42:", run.Output, StringComparison.Ordinal);
        using var results = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var rows = results.RootElement.EnumerateArray().ToList();
        Assert.Equal(8, rows.Count);
        Assert.All(rows, r => Assert.All(s_promised, name => Assert.True(r.TryGetProperty(name, out _), name)));
        Assert.Equal(
            ["default fgd 42 replay", "default fgd 43 drawn", "default default 42 replay", "default default 43 drawn", "cpu050 fgd 42 drawn", "cpu050 fgd 43 replay", "cpu050 default 42 drawn", "cpu050 default 43 replay"],
            rows.Select(r => $"{Text(r, "trace")} {Text(r, "policy")} {r.GetProperty("seed")} {Text(r, "arrivalOrder")}"));
        Assert.All(rows, r => Assert.InRange(r.GetProperty("allocationAt100").GetDouble(), 40, 100));
        Assert.All(rows, r => Assert.True(r.GetProperty("failedPods").GetInt32() > 0));
        Assert.All(rows.Where(r => Text(r, "arrivalOrder") == "drawn"), r => Assert.InRange(r.GetProperty("allocationAt130").GetDouble(), r.GetProperty("allocationAt100").GetDouble(), 100));
        Assert.Contains("simulate --openb", Text(rows[0], "command"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_example_runs_without_any_argument_and_names_what_makes_it_reproducible()
    {
        using var folder = new TemporaryFolder();
        var (csv, html) = (Path.Combine(folder.Path, "r.csv"), Path.Combine(folder.Path, "r.html"));
        var run = await ProgramRun.OfAsync("simulate", "--seeds", "1", "--csv", csv, "--html", html);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("FGD", run.Output, StringComparison.Ordinal);
        Assert.Contains("default (ours)", run.Output, StringComparison.Ordinal);
        Assert.Contains("gpu-scheduler-simulator simulate --seeds 1", run.Output, StringComparison.Ordinal);
        Assert.Contains("idle GPUs at the end", run.Output, StringComparison.Ordinal);
        var rows = await File.ReadAllLinesAsync(csv, TestContext.Current.CancellationToken);
        Assert.Equal(7, rows.Length);
        Assert.StartsWith("trace,policy,seed,allocationAt100,allocationAt130,idleGpusAt130,failedPods", rows[0], StringComparison.Ordinal);
        Assert.All(rows.Skip(1), r => Assert.StartsWith("example,", r, StringComparison.Ordinal));
        Assert.Contains("gpu-scheduler-simulator simulate --seeds 1", await File.ReadAllTextAsync(html, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Compare_sets_every_policy_against_the_better_of_FGD_and_FirstFit()
    {
        var run = await ProgramRun.OfAsync("compare", "--seeds", "1-2", "--generate", "6xA100:8,6xT4:4");
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.All(new[] { "FGD", "BestFit", "DotProduct", "GpuPacking", "GpuClustering", "FirstFit", "Random", "LeastAllocated", "MostAllocated", "default (ours)", "× better of FGD,", " ± " }, name => Assert.Contains(name, run.Output, StringComparison.Ordinal));
        Assert.Contains(" 1.00 ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_number_of_threads_changes_nothing_but_time_and_memory()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "r.json");
        var html = Path.Combine(folder.Path, "r.html");
        async Task<(string, string)> Run(int threads)
        {
            // The command line is part of the results: the number of threads is replaced by that of the first run.
            var run = await ProgramRun.OfAsync("compare", "--seeds", "1-3", "--generate", "5xA100:8,5xT4:4", "--mig-share", "0.4", "--typical-from", "arrived", "--bound", "--curves", "--json", json, "--html", html, "--threads", $"{threads}");
            Assert.Equal((0, ""), (run.ExitCode, run.Errors));
            var text = await File.ReadAllTextAsync(json);
            var lines = text.Split('\n').Where(l => !l.Contains("\"wallSeconds\"", StringComparison.Ordinal) && !l.Contains("\"peakMemoryMiB\"", StringComparison.Ordinal) && !l.Contains("\"command\"", StringComparison.Ordinal));
            return (string.Join('\n', lines), (await File.ReadAllTextAsync(html)).Replace($"--threads {threads}", "", StringComparison.Ordinal));
        }

        var one = await Run(1);
        Assert.Equal(one, await Run(4));
        Assert.Equal(one, await Run(7));
    }

    [Fact]
    public async Task Timed_runs_report_allocation_and_waits()
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "r.json");
        var run = await ProgramRun.OfAsync("simulate", "--generate", "6xA100:8,6xT4:4", "--mode", "timed", "--load", "50,95", "--policies", "firstfit,default", "--seeds", "3", "--pods", "400", "--json", json, "--html", Path.Combine(folder.Path, "r.html"));
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("allocation %", run.Output, StringComparison.Ordinal);
        Assert.Contains("arrivals: pods picked from the trace at random", run.Output, StringComparison.Ordinal);
        using var results = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var rows = results.RootElement.EnumerateArray().ToList();
        Assert.Equal([50, 50, 95, 95], rows.Select(r => r.GetProperty("load").GetDouble()));
        Assert.All(rows, r => Assert.InRange(r.GetProperty("meanAllocation").GetDouble(), 30, 100));
        Assert.All(rows, r => Assert.True(r.GetProperty("waitP95Seconds").ValueKind is JsonValueKind.Number or JsonValueKind.Null));
    }

    [Fact]
    public async Task A_snapshot_fills_up_around_the_pods_that_run_there()
    {
        var snapshot = Path.Combine(Testing.Checkout.Root, "manifests", "examples", "cluster.yaml");
        var run = await ProgramRun.OfAsync("simulate", "--snapshot", snapshot, "--policies", "fgd,default", "--seeds", "1");
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("12 pods of the snapshot run already and stay", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_arguments_the_help_says_what_to_try()
    {
        var run = await ProgramRun.OfAsync();
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.All(new[] { "simulate", "compare", "what-if", "validate", "Try: simulate" }, word => Assert.Contains(word, run.Output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("there is no policy \"fdg\"; there are bestfit, default,", "simulate", "--policies", "fdg")]
    [InlineData("there-is-none does not exist: --openb takes the folder with", "simulate", "--openb", "there-is-none")]
    [InlineData("--replay takes the folder", "simulate", "--replay", "there-is-none")]
    [InlineData("there-is-none.yaml does not exist", "simulate", "--snapshot", "there-is-none.yaml")]
    [InlineData("--seeds x: \"x\" is not a seed", "simulate", "--seeds", "x")]
    [InlineData("--mode sideways is not known; there are fill and timed", "simulate", "--mode", "sideways")]
    [InlineData("--node-order up is not known; there are random, given", "simulate", "--node-order", "up")]
    [InlineData("go with --mode timed", "simulate", "--load", "60")]
    [InlineData("--bound goes with --mode fill", "compare", "--mode", "timed", "--bound")]
    [InlineData("--load 0: \"0\" is not a percentage", "simulate", "--mode", "timed", "--load", "0")]
    [InlineData("say with --openb where they are", "simulate", "--traces", "default")]
    [InlineData("several clusters", "simulate", "--nodes", "x", "--snapshot", "y")]
    [InlineData("elsewhere is neither a trace of --openb nor a file", "simulate", "--typical-from", "elsewhere")]
    [InlineData("the folder", "simulate", "--json", "/there/is/none/r.json")]
    [InlineData("--threads must be 1 or more", "simulate", "--threads", "0")]
    [InlineData("no usable GPU", "simulate", "--generate", "3xcpu:0")]
    [InlineData("Unrecognized command or argument '--sneeds'", "simulate", "--sneeds", "1")]
    [InlineData("Option '--replay' is required", "validate", "--openb", "x")]
    [InlineData("what if what?", "what-if")]
    [InlineData("no node has this name", "what-if", "--remove", "ghost")]
    [InlineData("does not fit on its 8 GPUs", "what-if", "--generate", "1xA100:8", "--repartition", "node-0000=7g.40gb:9")]
    [InlineData("profiles of NVIDIA-A100-SXM4-40GB are 1g.5gb", "what-if", "--generate", "1xA100:8", "--repartition", "node-0000=9g.90gb:1")]
    [InlineData("--wait-below needs the shape", "what-if", "--mode", "timed", "--wait-below", "10m")]
    [InlineData("--wait-below goes with --mode timed", "what-if", "--wait-below", "10m", "--of", "A100:8")]
    [InlineData("fit on no node of that cluster", "what-if", "--mode", "timed", "--load", "50", "--wait-below", "10m", "--of", "T4:1:1:1Gi")]
    public async Task What_cannot_be_done_is_said_in_a_line(string expected, params string[] args)
    {
        var run = await ProgramRun.OfAsync(args);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Errors, StringComparison.Ordinal);
        Assert.StartsWith("error: ", run.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(" at GpuScheduler", run.Errors, StringComparison.Ordinal);
    }

    private static string Text(JsonElement row, string name) => row.GetProperty(name).GetString()!;
}
