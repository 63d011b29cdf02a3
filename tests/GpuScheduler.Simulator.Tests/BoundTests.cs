using System.Globalization;
using System.Text.Json;
using GpuScheduler.Simulator.Bounds;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Tests.Reference;
using GpuScheduler.Simulator.Workloads;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

/// <summary>Upper bounds of fill-up runs.</summary>
public sealed class BoundTests
{
    [Fact]
    public async Task Every_run_of_a_trace_and_seed_has_the_bound_of_the_policy_that_was_last_to_refuse_a_shared_pod()
    {
        using var folder = new TemporaryFolder();
        new SyntheticOpenb(3, nodes: 24, pods: 260).Write(folder.Path, "default", 42);
        new SyntheticOpenb(3, nodes: 24, pods: 260).Write(folder.Path, "other", 43);
        var (json, csv, html) = (Path.Combine(folder.Path, "r.json"), Path.Combine(folder.Path, "r.csv"), Path.Combine(folder.Path, "r.html"));
        var run = await ProgramRun.OfAsync("compare", "--openb", folder.Path, "--replay", folder.Path, "--traces", "default,other", "--seeds", "42-43", "--policies", "fgd,firstfit,bestfit,default", "--bound", "--json", json, "--csv", csv, "--html", html);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Equal(3, run.Output.Split("upper bound ").Length);
        Assert.Contains("4 upper bounds in ", run.Output, StringComparison.Ordinal);
        Assert.Contains("default: upper bound: no placement allocates more that has placed every pod that shares a card and arrived before ", run.Output, StringComparison.Ordinal);
        Assert.Contains("Upper bound: no placement allocates more that has placed ", await File.ReadAllTextAsync(html, TestContext.Current.CancellationToken), StringComparison.Ordinal);

        using var results = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var rows = results.RootElement.EnumerateArray().ToList();
        Assert.Equal(16, rows.Count);
        Assert.Contains(rows, r => Number(r, "allocationAt130") > 0 && Number(r, "gapAt130") > 0);
        foreach (var group in rows.GroupBy(r => (r.GetProperty("trace").GetString(), r.GetProperty("seed").GetInt64())))
        {
            Assert.Equal(group.Max(r => Load(r, "firstSharedRefusalLoad")), Assert.Single(group.Select(r => Load(r, "boundPremiseLoad")).Distinct()));
            Assert.Single(group.Select(r => Number(r, "boundAt130")).Distinct());
            Assert.Contains(group, r => r.GetProperty("boundHolds").GetBoolean());
            Assert.All(group, r =>
            {
                var holds = Load(r, "firstSharedRefusalLoad") >= Load(r, "boundPremiseLoad");
                Assert.Equal(holds, r.GetProperty("boundHolds").GetBoolean());
                void Ordered(string lower, string upper) => Assert.False(Number(r, lower) > Number(r, upper), $"{lower} > {upper}: {r}");
                if (holds)
                {
                    Ordered("allocationAt100", "boundAt100");
                    Ordered("allocationAt130", "boundAt130");
                    Ordered("boundIdleGpusAt130", "idleGpusAt130");
                }

                Ordered("allocationAt100", "absoluteBoundAt100");
                Ordered("allocationAt130", "absoluteBoundAt130");
                Ordered("boundAt100", "absoluteBoundAt100");
                Ordered("boundAt130", "absoluteBoundAt130");
                Ordered("boundAt100", "boundAt130");
                Assert.Equal(Number(r, "boundAt130") - Number(r, "allocationAt130"), Number(r, "gapAt130"), 0.0011);
            });
        }

        var lines = await File.ReadAllLinesAsync(csv, TestContext.Current.CancellationToken);
        var columns = lines[0].Split(',');
        Assert.Equal(Number(rows[0], "boundAt100"), double.Parse(lines[1].Split(',')[Array.IndexOf(columns, "boundAt100")], CultureInfo.InvariantCulture));
        Assert.Equal("replay", lines[1].Split(',')[Array.IndexOf(columns, "arrivalOrder")]);
    }

    [Fact]
    public void A_placement_that_can_be_worked_out_by_hand_is_bounded_exactly()
    {
        // Two cards. 810 and 810 arrive, then a whole card (131 %): with both shared pods placed nothing is left for it.
        using var folder = new TemporaryFolder();
        folder.File(OpenbNodes.UsualFile, "sn,cpu_milli,memory_mib,gpu,model", "openb-node-0000,96000,393216,2,G2");
        folder.File("openb_pod_list_hand.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec", "a,1000,1024,1,810,", "b,1000,1024,1,810,", "c,1000,1024,1,1000,");
        folder.File("hand_1.txt", "pods 0,1,2", "nodes 0000");
        var experiment = Experiment(folder.Path, folder.Path, "hand", 1);
        var result = Assert.Single(FillLimits.Add(experiment, new Runner(experiment).RunAll(experiment.Runs(), 1, null, TestContext.Current.CancellationToken), 1, TestContext.Current.CancellationToken));
        Assert.Equal((1, null), (result.Fill!.Failed, result.Fill.FirstSharedRefusal));
        Assert.Equal(new LimitPoint(81, 0.38, 90.5), result.Limit!.At(130));
        Assert.Null(result.Limit.At(100));

        // A premise of the first pod alone leaves the choice between the second and the whole card.
        var early = FillLimits.Of(experiment, experiment.Traces[0], result.Arrivals!, new SharedRefusal(1, 81));
        Assert.Equal(90.5, early.At(130)!.Value.Allocation);
        Assert.True(early.HoldsFor(result.Fill));
        Assert.False(result.Limit.HoldsFor(result.Fill with { FirstSharedRefusal = new SharedRefusal(1, 81) }));
    }

    [Theory]
    [InlineData("--generate", "5xA100:8,5xT4:4", "--mig-share", "0.4")]
    [InlineData("--generate", "3xA100:8,2xA30:4", "--mig-share", "1")]
    [InlineData("--generate", "200xT4:1:64")]
    public async Task No_policy_exceeds_its_bound_on_clusters_of_other_kinds(params string[] cluster)
    {
        using var folder = new TemporaryFolder();
        var json = Path.Combine(folder.Path, "r.json");
        var run = await ProgramRun.OfAsync(["simulate", .. cluster, "--policies", "all", "--seeds", "1-4", "--bound", "--json", json]);
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        using var results = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var rows = results.RootElement.EnumerateArray().ToList();
        Assert.All(rows, r =>
        {
            // A load of 100 or 130 % is not always met; where it is not, neither has a figure.
            Assert.False(Number(r, "absoluteBoundAt130") < Number(r, "allocationAt130"), r.ToString());
            Assert.False(r.GetProperty("boundHolds").GetBoolean() && Number(r, "gapAt130") < 0, r.ToString());
            Assert.Equal(double.IsNaN(Number(r, "allocationAt130")), double.IsNaN(Number(r, "boundAt130")));
        });
        Assert.Contains(rows, r => r.GetProperty("boundHolds").GetBoolean() && Number(r, "gapAt130") >= 0);
    }

    [Fact]
    public async Task Parts_of_memory_are_not_bounded_and_the_output_says_so()
    {
        var snapshot = Path.Combine(Testing.Checkout.Root, "manifests", "examples", "cluster.yaml");
        var run = await ProgramRun.OfAsync("simulate", "--snapshot", snapshot, "--policies", "firstfit", "--seeds", "1", "--bound");
        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("no upper bound, because pods ask for a part of a card's memory", run.Output, StringComparison.Ordinal);
    }

    /// <summary>Figures of another implementation (all patterns written down), in % of the GPUs.</summary>
    [Theory]
    [InlineData("default", "42,43,44", 95.7, 96.36, 96.48)]
    [InlineData("default", "42", 50, null, 98.26)]
    [InlineData("default", "42", 75, null, 97.29)]
    [InlineData("default", "42", 85, null, 96.91)]
    [InlineData("default", "42", 90, null, 96.73)]
    [InlineData("default", "42", 95, null, 96.51)]
    [InlineData("default", "42", 100, null, 96.32)]
    [InlineData("gpushare40", "42", 94, null, 95.12)]
    public void Openb_is_bounded_as_another_implementation_has_it(string trace, string seeds, double premise, double? at100, double at130)
    {
        var openb = Environment.GetEnvironmentVariable(FaithfulTests.OpenbVariable);
        var replay = Environment.GetEnvironmentVariable(FaithfulTests.ReplayVariable);
        Assert.SkipUnless(openb is not null && replay is not null, $"{FaithfulTests.OpenbVariable} and {FaithfulTests.ReplayVariable} name no folders with openb's lists and arrival orders");
        var limits = seeds.Split(',').Select(s => long.Parse(s, CultureInfo.InvariantCulture)).Select(seed =>
        {
            var experiment = Experiment(openb, replay, trace, seed);
            var arrivals = ReplayOrder.TryRead(replay, experiment.Traces[0], seed, experiment.Cluster);
            Assert.SkipUnless(arrivals is not null, $"{replay} has no order for {trace} and seed {seed}");
            long arrived = 0;
            var before = 0;
            while (arrived < premise / 100 * experiment.Cluster.CapacityMilli)
            {
                arrived += experiment.Cluster.DemandMilli(experiment.Traces[0].Pods[arrivals.Pods[before++]].Template.Request);
            }

            return FillLimits.Of(experiment, experiment.Traces[0], arrivals, new SharedRefusal(before, premise));
        }).ToList();
        Assert.Equal(at130, limits.Average(l => l.At(130)!.Value.Allocation), 0.0101);
        Assert.Equal(at100 ?? 0, at100 is null ? 0 : limits.Average(l => l.At(100)!.Value.Allocation), 0.0101);
    }

    private static Experiment Experiment(string openb, string replay, string trace, long seed) => new()
    {
        Cluster = new ClusterFacts(OpenbNodes.Read(Path.Combine(openb, OpenbNodes.UsualFile))),
        Traces = [OpenbPods.Read(OpenbPods.PathOf(openb, trace), trace)],
        Policies = ["firstfit"],
        Seeds = [seed],
        Replay = replay,
    };

    /// <summary>A figure; NaN when it is null.</summary>
    private static double Number(JsonElement row, string name) => row.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : double.NaN;

    /// <summary>A load of a refusal; infinite where there was none.</summary>
    private static double Load(JsonElement row, string name) => row.GetProperty(name) is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : double.PositiveInfinity;
}
