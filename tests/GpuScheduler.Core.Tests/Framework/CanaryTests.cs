using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Tests.Gangs.Life;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

/// <summary>Two profiles on one cluster, and settings that change while it decides.</summary>
public class CanaryTests
{
    private static readonly Gen<string> s_namespace = Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789-"].Array[1, 20].Select(c => new string(c));

    private readonly ClusterState _cluster = new(new ManualTimeProvider(), new LedgerOptions());

    [Fact]
    public void A_namespace_always_gets_the_same_answer_and_a_greater_share_only_adds_namespaces() =>
        Gen.Select(s_namespace, Gen.Double[0, 1], Gen.Double[0, 1]).Sample((name, one, other) =>
        {
            var (less, more) = (new NamespaceShare(Math.Min(one, other), []), new NamespaceShare(Math.Max(one, other), []));
            Assert.Equal(less.Takes(name), less.Takes(name));
            Assert.True(!less.Takes(name) || more.Takes(name));
            Assert.False(new NamespaceShare(0, []).Takes(name));
            Assert.True(new NamespaceShare(1, []).Takes(name));
            Assert.True(new NamespaceShare(0, [name]).Takes(name));
        });

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.3)]
    [InlineData(0.8)]
    public void A_share_is_that_share_of_the_namespaces(double share)
    {
        var some = new NamespaceShare(share, []);
        Assert.InRange(Enumerable.Range(0, 20_000).Count(i => some.Takes($"team-{i}")) / 20_000.0, share - 0.02, share + 0.02);
    }

    [Fact]
    public void Each_profile_decides_for_its_namespaces_and_says_so()
    {
        AddNodes(4);
        var engine = new SchedulingEngine(_cluster, new EngineOptions());
        engine.Apply(engine.Options with { Canary = Refusing("try", "team-b") });

        Assert.Equal((1, "base"), Filter(engine, "p", "team-a"));
        Assert.Equal((0, "try"), Filter(engine, "q", "team-b"));
        Assert.Equal(("base", "try"), (engine.ProfileFor("team-a"), engine.ProfileFor("team-b")));
        Assert.False(engine.Promise(Pod("q", "team-b"), "n0").IsGranted);

        engine.Apply(engine.Options with { Canary = null });
        Assert.Equal((1, null), Filter(engine, "q", "team-b"));
        Assert.Null(engine.ProfileFor("team-b"));
        Assert.True(engine.Promise(Pod("q", "team-b"), "n0").IsGranted);
    }

    [Fact]
    public void A_pod_that_one_profile_chose_a_node_for_may_be_bound_by_another()
    {
        AddNodes(4);
        var engine = new SchedulingEngine(_cluster, new EngineOptions { AnswerOneNode = true });
        Assert.Equal((1, null), Filter(engine, "p", "team-a"));
        Assert.True(_cluster.TryGetAllocation("p", out var held));
        engine.Apply(ServiceProfiles.Change(engine.Options, new ScoreWeights { Topology = 1 }, true, new CanarySettings("try", "mostallocated", new ScoreWeights(), new NamespaceShare(1, []))));

        Assert.Equal((1, "try"), Filter(engine, "p", "team-a"));
        var promise = engine.Promise(Pod("p", "team-a"), held.Node);
        Assert.True(promise.IsGranted);
        Assert.Equal(held.Devices, promise.Allocation.Devices);
    }

    [Fact]
    public void Other_weights_are_other_weights_of_the_same_plugins()
    {
        AddNodes(4);
        var engine = new SchedulingEngine(_cluster, new EngineOptions());
        var before = engine.Options.Profile;
        engine.Apply(ServiceProfiles.Change(engine.Options, new ScoreWeights { Topology = 2, Stranding = 5 }, false, null));

        var after = engine.Options.Profile;
        Assert.Equal(before.Scores.Select(s => s.Plugin), after.Scores.Select(s => s.Plugin));
        Assert.Equal([2, 5, 1, new ScoreWeights().Locality], after.Scores.Select(s => s.Weight));
        Assert.Same(before.Observer, after.Observer);
        Assert.Same(after, after.WithWeights(new ScoreWeights { Topology = 2, Stranding = 5 }));

        // A part that does not count is not asked, and is there again when it does.
        var blind = after.WithWeights(new ScoreWeights { Locality = 0 });
        Assert.Equal([0.3, 0.7, 1], blind.Scores.Select(s => s.Weight));
        Assert.Equal([0.3, 0.7, 1, 4], blind.WithWeights(new ScoreWeights { Locality = 4 }).Scores.Select(s => s.Weight));
    }

    [Fact]
    public void A_canary_of_the_same_policy_learns_with_the_other_and_one_of_another_sees_every_pod()
    {
        AddNodes(4);
        var engine = new SchedulingEngine(_cluster, new EngineOptions());
        engine.Apply(ServiceProfiles.Change(engine.Options, new ScoreWeights(), false, new CanarySettings("own", ServiceProfiles.Own, new ScoreWeights { Topology = 9 }, new NamespaceShare(0, ["team-b"]))));
        Assert.Same(engine.Options.Profile.Observer, engine.Options.Canary!.Profile.Observer);
        Assert.Equal(9, engine.Options.Canary.Profile.Scores[0].Weight);

        var seen = new Seen();
        engine.Apply(engine.Options with { Canary = engine.Options.Canary with { Profile = engine.Options.Canary.Profile with { Observer = seen } } });
        Filter(engine, "p", "team-a");
        Filter(engine, "p", "team-a");
        Filter(engine, "q", "team-b");
        engine.Announce(Pod("r", "team-c"));
        Assert.Equal([("p", true), ("p", false), ("q", true), ("r", true)], seen.Pods);
    }

    [Fact]
    public void A_canary_that_stays_keeps_what_it_has_learned_and_another_begins_anew()
    {
        var engine = new SchedulingEngine(_cluster, new EngineOptions());
        var settings = new CanarySettings("try", "fgd", new ScoreWeights(), new NamespaceShare(0.1, []));
        engine.Apply(ServiceProfiles.Change(engine.Options, new ScoreWeights(), false, settings));
        var first = engine.Options.Canary!.Profile;

        engine.Apply(ServiceProfiles.Change(engine.Options, new ScoreWeights { Topology = 1 }, true, settings with { Namespaces = new NamespaceShare(0.5, []) }));
        Assert.Same(first, engine.Options.Canary!.Profile);

        engine.Apply(ServiceProfiles.Change(engine.Options, new ScoreWeights(), false, settings with { Name = "other" }));
        Assert.NotSame(first, engine.Options.Canary!.Profile);
        Assert.NotSame(first.Observer, engine.Options.Canary.Profile.Observer);
    }

    [Fact]
    public void Holds_keep_their_end_when_the_settings_change_and_know_when_they_were_made()
    {
        var time = new ManualTimeProvider();
        var cluster = new ClusterState(time, new LedgerOptions { TentativeHold = TimeSpan.FromSeconds(30) });
        cluster.UpsertNode(new NodeBuilder("n").Gpus("NVIDIA-A10", 2).Build());
        var made = time.GetUtcNow();
        Assert.True(cluster.Hold(Pod("p", "a"), "n"));
        cluster.Holds = new LedgerOptions { TentativeHold = TimeSpan.FromSeconds(5) };
        Assert.True(cluster.Hold(Pod("q", "a"), "n"));
        Assert.Equal(made, cluster.OldestHolds()[AllocationState.Tentative]);

        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal("q", Assert.Single(cluster.Expire()).Pod.Uid);
        time.Advance(TimeSpan.FromSeconds(24));
        Assert.Equal("p", Assert.Single(cluster.Expire()).Pod.Uid);
    }

    [Fact]
    public void A_gang_is_planned_by_the_profile_of_its_namespace_and_keeps_its_places_when_the_settings_change()
    {
        var bench = new GangBench(2);
        var members = bench.Arrive("g", 2, 8);
        Assert.NotNull(bench.Filter(members[0]).Node);
        bench.Engine.Apply(bench.Engine.Options with { Canary = Refusing("try", members[0].Namespace), Gangs = bench.Engine.Options.Gangs! with { BarrierTimeout = TimeSpan.FromSeconds(1) } });
        Assert.All(members, m => Assert.True(bench.Cluster.TryGetAllocation(m.Uid, out var held) && held.State == AllocationState.Planned));

        // A second gang comes to a profile that refuses every node.
        bench.Cluster.UpsertNode(GangBench.Node("n8"));
        bench.Cluster.UpsertNode(GangBench.Node("n9"));
        var others = bench.Arrive("h", 2, 8);
        Assert.Null(bench.Filter(others[0]).Node);
        bench.Engine.Apply(bench.Engine.Options with { Canary = null });
        bench.Time.Advance(TimeSpan.FromSeconds(2));
        bench.Gangs.Sweep();
        Assert.NotNull(bench.Filter(others[0]).Node);
    }

    [Fact]
    public void Whether_gangs_are_planned_is_settled_at_the_start()
    {
        var engine = new SchedulingEngine(_cluster, new EngineOptions());
        Assert.Throws<ArgumentException>(() => engine.Apply(engine.Options with { Gangs = new GangOptions() }));
    }

    private void AddNodes(int count)
    {
        for (var i = 0; i < count; i++)
        {
            _cluster.UpsertNode(new NodeBuilder($"n{i}").Gpus("NVIDIA-A10", 4).Build());
        }
    }

    private static PodInfo Pod(string uid, string podNamespace) => new PodBuilder(uid).In(podNamespace).Gpus(1).Build();

    private (int Passed, string? Profile) Filter(SchedulingEngine engine, string uid, string podNamespace)
    {
        var snapshot = _cluster.Current;
        var passed = engine.Filter(Pod(uid, podNamespace), snapshot, [.. Enumerable.Range(0, snapshot.Nodes.Length)], new Status[snapshot.Nodes.Length], out var profile);
        return (Math.Min(passed, 1), profile);
    }

    internal static CanaryProfile Refusing(string name, string podNamespace) =>
        new(name, ServiceProfiles.Own, Profile.Create(new ScoreWeights()) with { Filters = [new RefuseAll()] }, new NamespaceShare(0, [podNamespace]));

    private sealed class RefuseAll : IFilterPlugin
    {
        public string Name => "RefuseAll";

        public Status Filter(CycleState state, NodeInfo node) => Reasons.FewFreeGpus;
    }

    private sealed class Seen : IArrivalObserver
    {
        public List<(string, bool)> Pods { get; } = [];

        public void Observe(PodInfo pod, bool isNew, Snapshot snapshot) => Pods.Add((pod.Uid, isNew));
    }
}
