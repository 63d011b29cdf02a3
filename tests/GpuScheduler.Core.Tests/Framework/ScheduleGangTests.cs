using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public sealed class ScheduleGangTests
{
    private const string Rack = "network.topology.nvidia.com/leaf";

    [Theory]
    [InlineData("default")]
    [InlineData("bestfit")]
    [InlineData("firstfit")]
    public void Gangs_come_and_go_whole_and_no_GPU_is_given_twice(string policy)
    {
        var (placed, refused) = (0, 0);
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var cluster = Cluster(nodes: 6, gpus: 4, rack: 2);
            var engine = Engine(cluster, policy);
            var running = new List<List<PodInfo>>();
            for (var job = 0; job < 40; job++)
            {
                var members = Gang($"j{job}", 1 + random.Next(7), 1 + random.Next(4));
                if (engine.ScheduleGang(members).IsPlaced)
                {
                    running.Add(members);
                    placed++;
                }
                else
                {
                    refused++;
                }

                foreach (var member in members)
                {
                    Assert.Equal(running.Contains(members), cluster.TryGetAllocation(member.Uid, out var held) && held.State == AllocationState.Bound);
                }

                // By the devices themselves: each is held once, and only by gangs that run.
                var held2 = running.SelectMany(g => g).Select(m => cluster.TryGetAllocation(m.Uid, out var held) ? held : null).ToList();
                Assert.DoesNotContain(null, held2);
                var devices = held2.SelectMany(h => h!.Devices.Devices.Select(d => (h.Node, d.Gpu))).ToList();
                Assert.Equal(devices.Count, devices.Distinct().Count());
                Assert.Equal(running.SelectMany(g => g).Sum(m => m.Request.WholeGpus), devices.Count);
                if (running.Count > 0 && random.Next(2) == 0)
                {
                    var over = running[random.Next(running.Count)];
                    running.Remove(over);
                    over.ForEach(m => cluster.DeletePod(m.Uid));
                }
            }
        }

        Assert.True(placed > 100 && refused > 100, $"{placed} placed and {refused} refused: that shows little");
    }

    [Fact]
    public void A_gang_that_found_no_place_is_placed_when_there_is_room_for_all()
    {
        var cluster = Cluster(nodes: 2, gpus: 4, rack: 2);
        var engine = Engine(cluster, "default");
        var (first, second) = (Gang("a", 1, 4), Gang("b", 2, 4));
        Assert.True(engine.ScheduleGang(first).IsPlaced);
        var refused = engine.ScheduleGang(second);
        Assert.False(refused.IsPlaced);
        Assert.Contains("short of", refused.Proof.Why, StringComparison.Ordinal);
        cluster.DeletePod(first[0].Uid);
        Assert.Equal(ProofStatus.Optimal, engine.ScheduleGang(second).Proof.Status);
    }

    [Fact]
    public void Best_fit_takes_the_smallest_rack_that_holds_all_and_proves_nothing()
    {
        var cluster = Cluster(nodes: 6, gpus: 4, rack: 3);
        var engine = Engine(cluster, "bestfit");
        Assert.True(engine.ScheduleGang(Gang("a", 1, 4)).IsPlaced);
        var plan = engine.ScheduleGang(Gang("b", 2, 4));
        Assert.Equal(ProofStatus.Feasible, plan.Proof.Status);
        Assert.Equal((2, 1), (plan.DomainsUsed[0], plan.DomainsUsed[1]));
        Assert.Equal(cluster.Current.Topology.DomainOf(1, plan.Slots[0].Position), cluster.Current.Topology.DomainOf(1, cluster.Current.Index.Find(cluster.TryGetAllocation("a-0", out var held) ? held.Node : "")));
    }

    [Fact]
    public void What_is_no_gang_is_refused_and_costs_nothing()
    {
        var cluster = Cluster(nodes: 2, gpus: 4, rack: 2);
        var engine = Engine(cluster, "default");
        Assert.Throws<ArgumentException>(() => engine.ScheduleGang([]));
        Assert.Throws<ArgumentException>(() => engine.ScheduleGang([Gang("a", 1, 1)[0], Gang("b", 1, 1)[0]]));
        Assert.Throws<ArgumentException>(() => engine.ScheduleGang([Gang("a", 1, 1)[0] with { Gang = null }]));
        Assert.Throws<ArgumentException>(() => engine.ScheduleGang([Gang("a", 1, 1)[0] with { Invalid = "no" }]));
        Assert.Empty(cluster.Gangs);
    }

    private static SchedulingEngine Engine(ClusterState cluster, string policy) => new(cluster, new EngineOptions
    {
        Profile = PlacementPolicies.Create(policy, new PolicyContext()),
        Gangs = PlacementPolicies.GangPlacer(policy) is { } placer ? new GangOptions { Placer = placer } : null,
    });

    private static ClusterState Cluster(int nodes, int gpus, int rack)
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        cluster.ReplaceNodes([.. Enumerable.Range(0, nodes).Select(i => new NodeObject
        {
            Name = $"n{i}",
            Labels = new Dictionary<string, string> { [Rack] = $"r{i / rack}", ["nvidia.com/gpu.product"] = "T4", ["nvidia.com/gpu.count"] = $"{gpus}" },
            Allocatable = new Dictionary<string, string> { ["cpu"] = "64", ["memory"] = "256Gi", ["nvidia.com/gpu"] = $"{gpus}" },
        })]);
        return cluster;
    }

    private static List<PodInfo> Gang(string name, int members, int gpus) =>
    [
        .. Enumerable.Range(0, members).Select(i => new PodInfo
        {
            Uid = $"{name}-{i}",
            Namespace = "default",
            Name = $"{name}-{i}",
            Request = new GpuRequest { WholeGpus = gpus },
            CpuMilli = 1000,
            MemoryBytes = 1 << 20,
            Gang = new GangMembership { Key = new GangKey("default", GangDialects.OwnName, name), MinMembers = members, Size = members, Index = i },
        }),
    ];
}
