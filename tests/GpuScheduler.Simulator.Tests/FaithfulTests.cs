using System.Globalization;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Tests.Reference;
using GpuScheduler.Simulator.Workloads;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

/// <summary>The published policies place pods as published.</summary>
public sealed class FaithfulTests
{
    /// <summary>Folder with openb's node and pod lists.</summary>
    public const string OpenbVariable = "GPU_SCHEDULER_OPENB";

    /// <summary>Folder with arrival orders and published results.</summary>
    public const string ReplayVariable = "GPU_SCHEDULER_OPENB_REPLAY";

    /// <summary>Seeds of each trace: all of them take minutes, and the program's validate command runs them.</summary>
    private const int SeedsPerTrace = 2;

    [Theory]
    [InlineData("fgd")]
    [InlineData("bestfit")]
    [InlineData("dotproduct")]
    [InlineData("gpupacking")]
    [InlineData("gpuclustering")]
    [InlineData("firstfit")]
    public void A_synthetic_trace_fills_the_cluster_as_a_slow_reference_has_it(string policy)
    {
        for (var seed = 1; seed <= 6; seed++)
        {
            var openb = new SyntheticOpenb(seed, nodes: 24, pods: 260);
            var reference = new ReferenceExperiment(openb.NewNodes(), openb.Ties, policy, openb.Trace);
            reference.Run(openb.Arrivals.Select(a => openb.Trace[a]));

            using var folder = new TemporaryFolder();
            openb.Write(folder.Path, "synthetic", seed);
            var result = Run(folder.Path, folder.Path, "synthetic", policy, seed);

            Assert.Equal(ArrivalOrigin.Replay, result.Origin);
            Assert.Equal((reference.Failed, reference.UsedMilli, reference.CardsInUse), (result.Fill!.Failed, result.Fill.UsedMilli, result.Fill.CardsInUse));
            Assert.True(reference.Failed > 20, "a trace that fails nowhere shows nothing");
            var last = (int)reference.Records[^1].ArrivedPercent;
            for (var load = 10; load <= last; load += 3)
            {
                var (expected, actual) = (reference.At(load), result.Fill.At(load));
                Assert.Equal(expected is null, actual is null);
                Assert.Equal(expected?.Allocation ?? 0, actual?.Allocation ?? 0, 0.011);
                Assert.Equal(expected?.FragmentRatio ?? 0, actual?.FragmentRatio ?? 0, 0.011);
            }
        }
    }

    [Fact]
    public void The_published_curves_are_reproduced_for_every_trace_at_hand()
    {
        var openb = Environment.GetEnvironmentVariable(OpenbVariable);
        var replay = Environment.GetEnvironmentVariable(ReplayVariable);
        Assert.SkipUnless(
            openb is not null && replay is not null,
            $"{OpenbVariable} and {ReplayVariable} name no folders: with openb's lists in the first, arrival orders and {PublishedCurves.UsualFile} in the second, the published curves are replayed");

        var cluster = new ClusterFacts(OpenbNodes.Read(Path.Combine(openb, OpenbNodes.UsualFile)));
        var rows = PublishedCurves.Read(Path.Combine(replay, PublishedCurves.UsualFile))
            .Where(r => File.Exists(OpenbPods.PathOf(openb, r.Trace)) && File.Exists(ReplayOrder.PathOf(replay, r.Trace, r.Seed)))
            .GroupBy(r => (r.Trace, r.Policy)).SelectMany(g => g.OrderBy(r => r.Seed).Take(SeedsPerTrace)).ToList();
        Assert.NotEmpty(rows);
        var traces = rows.Select(r => r.Trace).Distinct().ToDictionary(t => t, t => OpenbPods.Read(OpenbPods.PathOf(openb, t), t));
        var experiment = new Experiment { Cluster = cluster, Traces = [.. traces.Values], Policies = [.. PublishedCurves.Policies], Seeds = [], Replay = replay };
        var results = new Runner(experiment).RunAll([.. rows.Select(r => new RunKey(traces[r.Trace], r.Policy, r.Seed, null))], Environment.ProcessorCount, null, TestContext.Current.CancellationToken);
        Assert.All(results.Select((r, i) => Deviation.Of(r.Fill!, rows[i])), d => Assert.True(d.IsFaithful, d.ToString()));
    }

    [Fact]
    public async Task Validate_finds_a_result_that_differs()
    {
        var openb = new SyntheticOpenb(1, nodes: 24, pods: 260);
        using var folder = new TemporaryFolder();
        openb.Write(folder.Path, "synthetic", 7);
        var run = Run(folder.Path, folder.Path, "synthetic", "fgd", 7).Fill!;
        string Row(double at100) => string.Create(CultureInfo.InvariantCulture, $"synthetic,FGD,7,{run.At(90)!.Value.Allocation},{at100},{run.At(90)!.Value.FragmentRatio}");
        const string Header = "trace,policy,seed,alloc@90,alloc@100,fragratio@90";
        var right = run.At(100)!.Value.Allocation;

        folder.File(PublishedCurves.UsualFile, Header, Row(right), "synthetic,Random,7,1,1,1", "other,FGD,7,1,1,1");
        var faithful = await ProgramRun.OfAsync("validate", "--openb", folder.Path, "--replay", folder.Path);
        Assert.Equal((0, ""), (faithful.ExitCode, faithful.Errors));
        Assert.Contains("1 runs, 2 points: all as published", faithful.Output, StringComparison.Ordinal);

        folder.File(PublishedCurves.UsualFile, Header, Row(right + 0.02));
        var different = await ProgramRun.OfAsync("validate", "--openb", folder.Path, "--replay", folder.Path);
        Assert.Equal(1, different.ExitCode);
        Assert.Contains("differs with seed 7", different.Output, StringComparison.Ordinal);
    }

    private static RunResult Run(string openb, string replay, string trace, string policy, long seed)
    {
        var experiment = new Experiment
        {
            Cluster = new ClusterFacts(OpenbNodes.Read(Path.Combine(openb, OpenbNodes.UsualFile))),
            Traces = [OpenbPods.Read(OpenbPods.PathOf(openb, trace), trace)],
            Policies = [policy],
            Seeds = [seed],
            Replay = replay,
        };
        return Assert.Single(new Runner(experiment).RunAll(experiment.Runs(), 1, null, CancellationToken.None));
    }
}
