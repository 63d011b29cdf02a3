using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Demand;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Tests.Policies;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class StrandingTests
{
    [Fact]
    public void A_pod_light_on_CPU_goes_where_CPU_is_short_and_a_heavy_one_where_there_is_plenty()
    {
        var world = new DemandWorld(DemandWorld.Node("plenty", 8, 128), DemandWorld.Node("short", 8, 32)).Expect(100, (1, 2, null), (1, 14, null));
        Assert.Equal("short", world.NodeFor(1, 2));
        Assert.Equal("plenty", world.NodeFor(1, 14));
    }

    [Fact]
    public void A_pod_without_GPUs_takes_CPU_that_no_GPU_will_need()
    {
        var world = new DemandWorld(DemandWorld.Node("short", 8, 64), DemandWorld.Node("plenty", 8, 128)).Expect(100, (1, 8, null));
        Assert.Equal("plenty", world.NodeForCpu(16));
        world.Cluster.UpsertNode(new NodeBuilder("without").Build());
        Assert.Equal("without", world.NodeForCpu(16));
    }

    [Fact]
    public void A_share_goes_beside_the_one_it_fills_best_rather_than_open_a_card()
    {
        var world = new DemandWorld(DemandWorld.Node("a", 4, 32), DemandWorld.Node("b", 4, 32)).Expect(100, (0.7, 2, null), (0.3, 2, null)).Run("b", 0.7, 2, card: 2);
        var (node, cards) = world.PlaceFor(DemandWorld.Pod("p", 0.3, 2).Build());
        Assert.Equal(("b", 2), (node, Assert.Single(cards)));

        // And a 700, beside which nothing waits for it, opens one.
        Assert.NotEqual(2, Assert.Single(world.PlaceFor(DemandWorld.Pod("q", 0.7, 2).Build()).Cards));
    }

    [Fact]
    public void A_share_goes_where_what_it_leaves_can_be_used_though_another_card_would_be_left_with_less()
    {
        var world = new DemandWorld(DemandWorld.Node("a", 4, 64)).Expect(100, (0.3, 2, null), (0.1, 2, null)).Run("a", 0.65, 2, card: 0).Run("a", 0.6, 2, card: 1);
        Assert.Equal([1], world.PlaceFor(DemandWorld.Pod("p", 0.3, 2).Build()).Cards);
    }

    [Fact]
    public void A_pod_that_may_go_anywhere_leaves_alone_the_model_that_others_need()
    {
        foreach (var needed in new[] { "V100", "T4" })
        {
            var world = new DemandWorld(DemandWorld.Node("T4", 4, 32, "Tesla-T4"), DemandWorld.Node("V100", 4, 32, "Tesla-V100-SXM2-16GB")).Expect(100, (1, 4, null), (1, 4, needed));
            Assert.Equal(needed == "T4" ? "V100" : "T4", world.NodeFor(1, 4));
            Assert.Equal(needed == "T4" ? "V100" : "T4", world.NodeFor(0.5, 4));
        }
    }

    [Fact]
    public void The_last_untouched_node_is_kept_for_pods_that_need_all_of_it_until_nothing_else_is_free()
    {
        var world = new DemandWorld(DemandWorld.Node("untouched", 8, 64), DemandWorld.Node("used", 8, 64)).Expect(50, (1, 8, null), (8, 64, null)).Run("used", 4, 48);
        Assert.Equal("used", world.NodeFor(1, 1));
        Assert.Equal("used", world.NodeFor(1, 8));
        Assert.Equal("used", world.NodeFor(0.5, 4));
        Assert.Equal("untouched", world.NodeFor(8, 64));
        world.Run("used", 4, 8, card: 4);
        Assert.Equal("untouched", world.NodeFor(1, 1));
    }

    [Fact]
    public void The_score_orders_as_the_decrease_of_badness_and_is_half_when_nothing_changes()
    {
        var scored = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var world = new DemandWorld([.. Enumerable.Range(0, random.Next(1, 5)).Select(i => DemandWorld.Node($"n{i}", random.Next(1, 9), random.Next(0, 5) * 16, random.Next(2) == 0 ? "Tesla-T4" : "NVIDIA-L40S"))]);
            var twin = new DemandLearner(null);
            for (var i = 0; i < 100; i++)
            {
                var pod = RandomPod($"r{i}", random).Build();
                world.Profile.Observer!.Observe(pod, isNew: true, world.Cluster.Current);
                twin.Observe(pod, isNew: true, world.Cluster.Current);
                world.Cluster.Hold(pod, $"n{random.Next(4)}", random.Next(2) == 0 ? null : world.Profile.CardOrder);
            }

            world.Profile.Observer!.Observe(RandomPod("r0", random).Build(), isNew: false, world.Cluster.Current);
            twin.Observe(RandomPod("r0", random).Build(), isNew: false, world.Cluster.Current);
            var plugin = world.Profile.Scores.Single(s => s.Plugin.Name == "Stranding").Plugin;
            for (var i = 0; i < 20; i++)
            {
                var pod = RandomPod($"p{i}", random).Build();
                foreach (var node in world.Cluster.Current.Nodes)
                {
                    if (!DeviceAllocator.TryPick(pod, node!, world.Profile.CardOrder, out var pick, out _))
                    {
                        continue;
                    }

                    // How bad the node would be with the pod on it, looked at as any other node.
                    double DecreaseWith(DeviceAssignment devices)
                    {
                        var after = NodeInfo.Build(node!.Facts, node.Allocations.Add(new Allocation(pod, node.Facts.Name, devices, AllocationState.Bound)));
                        return Math.Floor(BadnessOf(node) - BadnessOf(after) + 1e-6);
                    }

                    double BadnessOf(NodeInfo n) => twin.Model!.BadnessOf(n.Facts, n.FreeCpuMilli, n.FreeCards, n.FreeGpus);

                    var devices = pick.ToAssignment(pod.Request, node!);
                    var decrease = node!.FreeCardMilli == 0 ? 0 : DecreaseWith(devices);
                    if (pod.Request.ShareCount == 1)
                    {
                        var other = Enumerable.Range(0, node.Facts.Gpus.Length).Where(g => node.FreeMilli(g) >= pod.Request.ShareMilli && (node.ShareMask >> g & 1) == 1)
                            .OrderByDescending(g => DecreaseWith(new DeviceAssignment([new AssignedDevice(g, Milli: pod.Request.ShareMilli)]))).ThenBy(g => node.FreeCards[g]).ThenBy(g => g).First();
                        Assert.Equal(other, Assert.Single(devices.Devices).Gpu);
                    }

                    scored++;
                    var score = plugin.Score(new CycleState(pod), node, pick);
                    Assert.Equal(0.5 + (decrease / (2 * (1000 + Math.Abs(decrease)))), score, 12);
                    Assert.InRange(score, 0, 1);
                }
            }
        }

        Assert.True(scored > 500, $"{scored} scored");
    }

    [Fact]
    public void Kept_scores_decide_as_a_scan_while_demand_is_learned_prices_change_and_pods_leave()
    {
        var (placed, failed, versions) = (0, 0, 0);
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var world = new OracleWorld(random, most: seed % 4 == 0 ? 200 : 12);
            var typical = random.Next(2) == 0 ? world.TypicalPods : null;
            var profiles = new[] { Create(typical), Create(typical) };
            var engines = profiles.Select((p, i) => new SchedulingEngine(world.Cluster(), new EngineOptions { Profile = p, KeepScores = i == 0 })).ToArray();
            var running = new List<string>();
            var seen = new HashSet<long>();
            for (var i = 0; i < 200; i++)
            {
                var pod = OracleWorld.Pod($"p{i}", world.Draw(random));
                var (kept, scanned) = (engines[0].Schedule(pod), engines[1].Schedule(pod));
                Assert.Equal((scanned.Node, scanned.Score, scanned.Devices.ToAnnotation()), (kept.Node, kept.Score, kept.Devices.ToAnnotation()));
                seen.Add(profiles[0].Scores.Sum(s => s.Plugin.Version));
                _ = kept.Node is null ? failed++ : placed++;
                running.Add(pod.Uid);
                for (var n = random.Next(i < 100 ? 2 : 4); n > 0 && running.Count > 0 && random.Next(2) == 0; n--)
                {
                    var gone = running[random.Next(running.Count)];
                    running.Remove(gone);
                    Array.ForEach(engines, e => e.Cluster.DeletePod(gone));
                }
            }

            versions += seen.Count;
        }

        Assert.True(placed > 4000 && failed > 400 && versions > 500, $"{placed} placed, {failed} failed, {versions} versions");
    }

    [Fact]
    public void Scoring_allocates_nothing()
    {
        var world = new DemandWorld(DemandWorld.Node("a", 8, 64)).Expect(100, (0.5, 2, null), (8, 64, null)).Run("a", 0.5, 4);
        var node = world.Cluster.Current.Find("a")!;
        var plugin = world.Profile.Scores.Single(s => s.Plugin.Name == "Stranding").Plugin;
        CycleState[] states = [new(DemandWorld.Pod("share", 0.3, 2).Build()), new(DemandWorld.Pod("whole", 2, 8).Build()), new(DemandWorld.Pod("none", 0, 2).Build())];
        double Scores(int rounds)
        {
            var sum = 0.0;
            for (var i = 0; i < rounds; i++)
            {
                foreach (var state in states)
                {
                    DeviceAllocator.TryPick(state.Pod, node, world.Profile.CardOrder, out var pick, out _);
                    sum += plugin.Score(state, node, pick);
                }
            }

            return sum;
        }

        // Code that is not optimized yet may allocate; what allocates by itself does so in every round.
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 100 && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Scores(100);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static Profile Create(TypicalPods? typical) => PlacementPolicies.Create("default", new PolicyContext { TypicalPods = typical });

    private static PodBuilder RandomPod(string uid, Random random) => random.Next(6) switch
    {
        0 => new PodBuilder(uid).Request("cpu", $"{random.Next(1, 9)}"),
        1 => DemandWorld.Pod(uid, 1 << random.Next(4), random.Next(9)),
        2 => new PodBuilder(uid).Request("cpu", "1").Share(milli: 100 * random.Next(1, 8), count: 2),
        3 => DemandWorld.Pod(uid, 1, random.Next(9)),
        _ => DemandWorld.Pod(uid, random.Next(1, 20) * 0.05, random.Next(9)),
    };
}
