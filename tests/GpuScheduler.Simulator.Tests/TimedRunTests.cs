using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Generation;
using GpuScheduler.Simulator.Runs;
using GpuScheduler.Simulator.Tests.Reference;
using GpuScheduler.Simulator.Workloads;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

public sealed class TimedRunTests
{
    [Fact]
    public void Waits_and_allocation_are_those_of_a_plain_event_simulation()
    {
        var waited = 0;
        var neverStarted = 0;
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var openb = new SyntheticOpenb(seed, nodes: 5, pods: 60);
            var nodes = openb.NewNodes().ToList();
            var templates = new Dictionary<(ReferencePod, int), PodInfo>();
            var jobs = new List<ReferenceJob>();
            long at = 0;
            foreach (var pod in openb.Trace)
            {
                // Short times, so that much happens at the same moment; some pods run for no time at all.
                at += random.Next(4);
                jobs.Add(new ReferenceJob(pod, random.Next(3) - 1, at, random.Next(40)));
            }

            var trace = new Trace("t", [.. jobs.Select((j, i) => new TracePod($"p{i:D3}", Template(templates, j), j.At, j.Duration))]) { Source = "test" };
            using var folder = new TemporaryFolder();
            openb.Write(folder.Path, "t", seed);
            var cluster = new ClusterFacts(OpenbNodes.Read(Path.Combine(folder.Path, OpenbNodes.UsualFile)));
            var result = Run(new Experiment { Cluster = cluster, Traces = [trace], Policies = ["firstfit"], Seeds = [1], Mode = RunMode.Timed, NodeOrder = NodeOrder.Given, Timed = new TimedSettings { WarmUp = 0.25 } });

            var reference = new ReferenceQueue(nodes);
            var first = jobs[0].At;
            reference.Run([.. jobs.Select(j => j with { At = j.At - first })]);
            Assert.Equal(reference.Waits.Order(), result.WaitsMs);
            Assert.Equal((reference.NeverStarted, reference.WaitingAtEnd), (result.NeverStarted, result.WaitingAtEnd));
            var span = jobs[^1].At - first;
            var warm = (long)(span * 0.25);
            Assert.Equal(100 * reference.UsedFrom(warm) / ((double)(span - warm) * cluster.CapacityMilli), result.MeanAllocation, 1e-6);
            var all = result.Allocation.Select(p => p.AllocationPercent).ToList();
            Assert.All(all, a => Assert.InRange(a, 0, 100 + 1e-9));
            waited += result.WaitsMs.Count(w => w > 0);
            neverStarted += result.NeverStarted;
        }

        Assert.True(waited > 100 && neverStarted > 10, $"only {waited} pods waited and {neverStarted} never started: that shows little");
    }

    [Fact]
    public void A_smaller_pod_starts_past_a_larger_one_that_waits_and_priority_goes_first()
    {
        var (whole, small, first) = (Gpus(2), Gpus(1), Gpus(1, priority: 5));
        var trace = new Trace("t",
        [
            new TracePod("a", small, 0, 10_000),
            new TracePod("b", whole, 1_000, 5_000), // waits for both GPUs
            new TracePod("c", small, 2_000, 20_000), // goes past it
            new TracePod("d", small, 3_000, 1_000), // waits: both GPUs are in use
            new TracePod("e", first, 4_000, 1_000), // came later, has priority
        ]) { Source = "test" };
        var result = Run(new Experiment { Cluster = Cluster("1xT4:2"), Traces = [trace], Policies = ["firstfit"], Seeds = [1], Mode = RunMode.Timed });

        // e starts at 10 s, d at 11 s, b when c has left at 22 s.
        Assert.Equal([0, 0, 6_000, 8_000, 21_000], result.WaitsMs);
        Assert.Equal(3, result.WaitingAtEnd);
    }

    [Theory]
    [InlineData("default")]
    [InlineData("bestfit")]
    [InlineData("fgd")]
    public void A_gang_starts_when_all_its_members_have_a_node_and_holds_nothing_before(string policy)
    {
        var trace = new Trace("t",
        [
            new TracePod("a", Gpus(2), 0, 10_000),
            new TracePod("b", Gpus(2), 1_000, 10_000, Members: 2), // waits for both nodes
            new TracePod("c", Gpus(2), 2_000, 3_000), // goes past it: the gang holds neither
        ]) { Source = "test" };
        var result = Run(new Experiment { Cluster = Cluster("2xT4:2"), Traces = [trace], Policies = [policy], Seeds = [1], Mode = RunMode.Timed });

        Assert.Equal([0, 0, 9_000], result.WaitsMs);
        Assert.Equal((1, 0), (result.Gangs!.Waits.Arrived, result.Gangs.Waits.NeverStarted));
        Assert.Equal([9_000], result.Gangs.Waits.Ms);
        Assert.Equal(2, result.Gangs.Nodes);
        Assert.Null(result.Gangs.Racks);
    }

    [Fact]
    public void Placed_pod_by_pod_two_gangs_hold_each_other_up_for_ever_and_what_they_hold_does_no_work()
    {
        var trace = new Trace("t",
        [
            new TracePod("a", Gpus(1), 0, 10_000),
            new TracePod("b", Gpus(1), 0, 20_000),
            new TracePod("c", Gpus(1), 1_000, 10_000, Members: 4), // takes the two that are free
            new TracePod("d", Gpus(1, priority: 1), 2_000, 10_000, Members: 4), // takes the other two, at 10 s and at 20 s
            new TracePod("e", Gpus(1), 100_000, 1_000),
        ]) { Source = "test" };
        var experiment = new Experiment { Cluster = Cluster("2xT4:2"), Traces = [trace], Policies = ["podbypod"], Seeds = [1], Mode = RunMode.Timed, Timed = new TimedSettings { WarmUp = 0 } };
        var byPod = Run(experiment);
        var whole = Run(experiment with { Policies = ["default"] });

        Assert.Equal((3, 2), (byPod.NeverStarted, byPod.Gangs!.Waits.NeverStarted));
        Assert.Equal(100 * 30_000 / (4 * 100_000.0), byPod.MeanAllocation, 9);
        Assert.Equal([18_000, 29_000], whole.Gangs!.Waits.Ms);
        Assert.Equal(100 * 110_000 / (4 * 100_000.0), whole.MeanAllocation, 9);
    }

    [Fact]
    public void Racks_of_gangs_are_counted_by_the_level_of_that_name()
    {
        var trace = new Trace("t", [new TracePod("a", Gpus(2), 0, 10_000, Members: 3), new TracePod("b", Gpus(2), 1_000, 1_000, Members: 2)]) { Source = "test" };
        var cluster = new ClusterFacts(ClusterGenerator.Generate(GeneratedCluster.Apply("generated:nodes=8,gpus=2,product=T4,rack=2", Scenario.Example), 1));
        var result = Run(new Experiment { Cluster = cluster, Traces = [trace], Policies = ["default"], Seeds = [1], Mode = RunMode.Timed });
        Assert.Equal(1.5, result.Gangs!.Racks);
        Assert.Equal(2.5, result.Gangs.Nodes);
    }

    [Fact]
    public void The_load_offered_is_the_load_asked_for_and_the_run_begins_with_it()
    {
        var random = new Random(5);
        var template = Gpus(1);
        var trace = new Trace("t", [.. Enumerable.Range(0, 4000).Select(i => new TracePod($"p{i:D4}", template, i * 1000L, 1 + random.Next(1_000_000)))]) { Source = "test" };
        var cluster = Cluster("50xT4:4");
        foreach (var poisson in new[] { false, true })
        {
            foreach (var load in new[] { 50.0, 80.0 })
            {
                var workload = TimedDraw.Draw(trace, cluster, load, 7, new TimedSettings { Poisson = poisson });
                var offered = workload.Pods.Skip(workload.Initial).Sum(p => 1000.0 * p.DurationMs) / ((double)workload.SpanMs * cluster.CapacityMilli) * 100;
                Assert.Equal(load, offered, 0.1);
                Assert.Equal(load, 100.0 * workload.Initial / cluster.Gpus, 1.0);

                // Without a queue to speak of, the mean allocation is the load, from the beginning.
                var result = Run(new Experiment { Cluster = cluster, Traces = [trace], Policies = ["firstfit"], Seeds = [7], Mode = RunMode.Timed, Loads = [load], Timed = new TimedSettings { Poisson = poisson, WarmUp = 0 } });
                Assert.Equal(load, result.MeanAllocation, load * 0.06);
                Assert.Equal(trace.Pods.Count, result.Arrived);
            }
        }
    }

    [Fact]
    public void Pods_that_never_start_are_the_longest_waits()
    {
        var trace = new Trace("t", [.. Enumerable.Range(0, 10).Select(i => new TracePod($"p{i}", Gpus(i == 0 ? 8 : 1), i * 1000L, 500))]) { Source = "test" };
        var result = Run(new Experiment { Cluster = Cluster("1xT4:4"), Traces = [trace], Policies = ["firstfit"], Seeds = [1], Mode = RunMode.Timed });
        Assert.Equal((1, 10), (result.NeverStarted, result.Arrived));
        Assert.Equal((0, double.PositiveInfinity), (result.Quantile(0.9), result.Quantile(0.95)));
    }

    [Fact]
    public void A_trace_without_times_says_what_to_do()
    {
        var trace = new Trace("bare", [new TracePod("p", Gpus(1), TracePod.NoTime, TracePod.NoTime)]) { Source = "test" };
        var cluster = Cluster("1xT4:1");
        var none = Assert.Throws<Input.InputException>(() => TimedDraw.Draw(trace, cluster, 50, 1, new TimedSettings { Poisson = false }));
        Assert.Contains("--arrivals poisson", none.Message, StringComparison.Ordinal);
        var noLoad = Assert.Throws<Input.InputException>(() => TimedDraw.Draw(trace with { Pods = [.. Enumerable.Repeat(trace.Pods[0], 5)] }, cluster, null, 1, new TimedSettings()));
        Assert.Contains("--load", noLoad.Message, StringComparison.Ordinal);
    }

    internal static ClusterFacts Cluster(params string[] nodes) =>
        new(Generation.ClusterGenerator.Generate(new Generation.Scenario { Name = "test", Nodes = nodes, Pods = [] }, 1));

    internal static PodInfo Gpus(int count, int priority = 0) => TracePod.TemplateOf(new GpuRequest { WholeGpus = count }, 1000, 0, priority);

    private static TimedOutcome Run(Experiment experiment) =>
        Assert.Single(new Runner(experiment).RunAll(experiment.Runs(), 1, null, CancellationToken.None)).Timed!;

    /// <summary>One template for equal pods, as the readers have it.</summary>
    private static PodInfo Template(Dictionary<(ReferencePod, int), PodInfo> known, ReferenceJob job)
    {
        if (!known.TryGetValue((job.Pod, job.Priority), out var template))
        {
            var request = job.Pod.N == 0 ? GpuRequest.None
                : job.Pod.M == 1000 ? new GpuRequest { WholeGpus = job.Pod.N, Models = [.. job.Pod.Spec.Split('|', StringSplitOptions.RemoveEmptyEntries)] }
                : new GpuRequest { ShareCount = job.Pod.N, ShareMilli = job.Pod.M, Models = [.. job.Pod.Spec.Split('|', StringSplitOptions.RemoveEmptyEntries)] };
            known[(job.Pod, job.Priority)] = template = TracePod.TemplateOf(request, job.Pod.Cpu, job.Pod.Memory * 1024 * 1024, job.Priority);
        }

        return template;
    }
}
