using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Policies;

public class PublishedPolicyTests
{
    [Theory]
    [InlineData("fgd")]
    [InlineData("bestfit")]
    [InlineData("dotproduct")]
    [InlineData("gpupacking")]
    [InlineData("gpuclustering")]
    [InlineData("firstfit")]
    [InlineData("leastallocated")]
    [InlineData("mostallocated")]
    public void A_policy_places_every_pod_where_its_description_says(string policy)
    {
        var (placed, failed) = (0, 0);
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            var world = new OracleWorld(random);
            var oracle = new PlacementOracle(policy, world.Nodes, world.Typical);
            var engine = new SchedulingEngine(world.Cluster(), new EngineOptions { Profile = PlacementPolicies.Create(policy, new PolicyContext { TypicalPods = world.TypicalPods }) });
            var running = new List<(string Uid, OraclePod Pod, int Node, int[] Cards)>();
            for (var i = 0; i < 120; i++)
            {
                if (running.Count > 0 && random.Next(5) == 0)
                {
                    var (uid, gone, node, cards) = running[random.Next(running.Count)];
                    running.RemoveAll(r => r.Uid == uid);
                    oracle.Remove(gone, node, cards);
                    engine.Cluster.DeletePod(uid);
                }

                var pod = world.Draw(random);
                var expected = oracle.Place(pod);
                var decision = engine.Schedule(OracleWorld.Pod($"p{i}", pod));
                Assert.True((expected.Node < 0 ? null : OracleWorld.NameOf(expected.Node)) == decision.Node, $"seed {seed}, pod {i}: {pod} to {expected.Node}, got {decision.Node}");
                Assert.Equal(expected.Cards, decision.Devices.Devices.Select(d => d.Gpu));
                if (expected.Node < 0)
                {
                    failed++;
                }
                else
                {
                    placed++;
                    running.Add(($"p{i}", pod, expected.Node, expected.Cards));
                }
            }
        }

        Assert.True(placed > 4000 && failed > 500, $"{placed} placed, {failed} failed");
    }

    [Fact]
    public void Random_leaves_no_feasible_node_or_card_out_and_prefers_none()
    {
        const int Draws = 12_000;
        var cluster = new Core.Cluster.ClusterState(new ManualTimeProvider(), new Core.Reservations.LedgerOptions());
        for (var i = 0; i < 5; i++)
        {
            cluster.UpsertNode(new NodeBuilder($"n{i}").Gpus("T4", 4).Allocatable("cpu", i == 2 ? "1" : "8").Build());
        }

        var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = PlacementPolicies.Create("random", new PolicyContext { Seed = 7 }) });
        var counts = new Dictionary<(string, int), int>();
        for (var i = 0; i < Draws; i++)
        {
            var decision = engine.Schedule(new PodBuilder($"pod-{i}").Request("cpu", "2").Share(milli: 500).Build());
            var place = (decision.Node!, decision.Devices.Devices[0].Gpu);
            counts[place] = counts.GetValueOrDefault(place) + 1;
            cluster.DeletePod($"pod-{i}");
        }

        // 16 places. Chi-square with 15 degrees of freedom is above 44 once in ten thousand.
        Assert.Equal(16, counts.Count);
        Assert.DoesNotContain(counts.Keys, k => k.Item1 == "n2");
        var expected = Draws / 16.0;
        Assert.True(counts.Values.Sum(c => (c - expected) * (c - expected) / expected) < 44, string.Join(' ', counts));
    }

    [Fact]
    public void Random_with_the_same_seed_decides_the_same_and_with_another_not()
    {
        List<string?> Run(ulong seed)
        {
            var world = new OracleWorld(new Random(3));
            var engine = new SchedulingEngine(world.Cluster(), new EngineOptions { Profile = PlacementPolicies.Create("random", new PolicyContext { Seed = seed }) });
            return [.. Enumerable.Range(0, 50).Select(i => engine.Schedule(new PodBuilder($"p{i}").Build()).Node)];
        }

        Assert.Equal(Run(1), Run(1));
        Assert.NotEqual(Run(1), Run(2));
    }

    [Fact]
    public void Every_name_makes_a_policy_and_another_name_is_answered_with_the_list()
    {
        foreach (var name in PlacementPolicies.Names)
        {
            var profile = PlacementPolicies.Create(name, new PolicyContext());
            Assert.Equal("NodeResourcesFit", profile.Filters[0].Name);
        }

        var error = Assert.Throws<ArgumentException>(() => PlacementPolicies.Create("worstfit", new PolicyContext()));
        Assert.Contains("worstfit", error.Message, StringComparison.Ordinal);
        Assert.Contains("bestfit, default, dotproduct", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fgd_that_learns_from_arrivals_knows_no_pods_at_first_and_then_those_that_came()
    {
        var world = new OracleWorld(new Random(5));
        var profile = PlacementPolicies.Create("fgd", new PolicyContext());
        var engine = new SchedulingEngine(world.Cluster(), new EngineOptions { Profile = profile });
        var versions = new HashSet<long>();
        var random = new Random(6);
        for (var i = 0; i < 100; i++)
        {
            engine.Schedule(OracleWorld.Pod($"p{i}", world.Draw(random)));
            versions.Add(profile.Scores[0].Plugin.Version);
        }

        Assert.InRange(versions.Count, 5, 20);
    }
}
