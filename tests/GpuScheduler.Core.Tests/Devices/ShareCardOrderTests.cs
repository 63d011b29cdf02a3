using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Policies;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class ShareCardOrderTests
{
    [Fact]
    public void Least_free_takes_the_fullest_card_that_fits_and_least_sliver_leaves_what_others_want()
    {
        // Free: 1000, 370, 450, 370. A share of 200 leaves 170 (a sliver of 45) or 250, which is a usual share.
        var node = Node(0, 630, 550, 630);
        Assert.Equal(1, CardFor(LeastFree.Instance, node, 200));
        Assert.Equal(2, CardFor(LeastSliver.Instance, node, 200));
        Assert.Equal(2, CardFor(LeastFree.Instance, node, 400));
        Assert.Equal(0, CardFor(LeastFree.Instance, node, 460));
    }

    [Fact]
    public void Fgd_takes_the_card_that_expected_pods_miss_least()
    {
        // Only pods of 370 are expected: the card with 450 is no worse than before once 80 are gone.
        var fgd = new FragmentationGradient(new TypicalPods([(new TypicalPod(0, 1, 370, ""), 1.0)]));
        Assert.Equal(2, CardFor(fgd, Node(990, 630, 550, 630), 80));
        Assert.Equal(1, CardFor(LeastFree.Instance, Node(990, 630, 550, 630), 80));
    }

    [Fact]
    public void No_order_opens_more_idle_cards_than_the_node_hands_out()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Product("T4").Count(3).Whole(2).Build(), null);
        var old = new Allocation(new PodBuilder("old").Share(milli: 900).Build(), "n", new DeviceAssignment([new AssignedDevice(0, Milli: 900)]), AllocationState.Bound);
        var node = NodeInfo.Build(facts, [old]);
        Assert.Equal(1, node.FreeGpus);
        var idleFirst = new IdleFirst();
        Assert.True(DeviceAllocator.TryPick(Share(100, 1), node, idleFirst, out var pick, out _));
        Assert.Equal(0b010UL, pick.Shared);
        Assert.True(DeviceAllocator.TryPick(Share(100, 2), node, idleFirst, out pick, out _));
        Assert.Equal(0b011UL, pick.Shared);
        Assert.Equal(1, pick.Opened);
        Assert.False(DeviceAllocator.TryPick(Share(100, 3), node, idleFirst, out _, out var status));
        Assert.Equal(Reasons.NoFreeShare, status);
        Assert.False(DeviceAllocator.TryPick(Share(200, 2), node, idleFirst, out _, out _));
    }

    [Fact]
    public void The_order_of_the_profile_decides_wherever_devices_are_held_promised_or_scheduled()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        cluster.UpsertNode(new NodeBuilder("n").Gpus("T4", 3).Build());
        var idleFirst = new IdleFirst();
        var engine = new SchedulingEngine(cluster, new EngineOptions { Profile = Profile.Default with { CardOrder = idleFirst } });
        Assert.Equal(0, engine.Schedule(Share(100, 1, "a")).Devices.Devices[0].Gpu);
        engine.Prioritize(Share(100, 1, "b"), cluster.Current, [0], new int[1]);
        Assert.True(cluster.TryGetAllocation("b", out var held));
        Assert.Equal(1, held.Devices.Devices[0].Gpu);
        engine.Filter(Share(100, 1, "c"), cluster.Current, [0], new Status[1]);
        Assert.True(cluster.TryGetAllocation("c", out held));
        Assert.Equal(2, held.Devices.Devices[0].Gpu);
        cluster.Abandon("b");
        Assert.Equal(1, engine.Promise(Share(100, 1, "d"), "n").Allocation!.Devices.Devices[0].Gpu);
    }

    private static NodeInfo Node(params int[] used)
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("T4", used.Length).Build(), null);
        return NodeInfo.Build(facts, [.. used.Index().Where(u => u.Item > 0).Select(u => new Allocation(
            new PodBuilder($"old-{u.Index}").Share(milli: u.Item).Build(), "n", new DeviceAssignment([new AssignedDevice(u.Index, Milli: u.Item)]), AllocationState.Bound))]);
    }

    private static int CardFor(IShareCardOrder order, NodeInfo node, int milli)
    {
        var pod = Share(milli, 1);
        Assert.True(DeviceAllocator.TryPick(pod, node, order, out var pick, out _));
        return pick.ToAssignment(pod.Request, node).Devices.Single().Gpu;
    }

    private static PodInfo Share(int milli, int count, string uid = "p") => new PodBuilder(uid).Share(milli: milli, count: count).Build();

    private sealed class IdleFirst : IShareCardOrder
    {
        public void Rank(PodInfo pod, NodeInfo node, ulong cards, Span<CardRank> ranks)
        {
            for (var gpu = 0; gpu < ranks.Length; gpu++)
            {
                ranks[gpu] = new CardRank((node.IdleMask >> gpu & 1) == 1 ? 1 : 0);
            }
        }
    }
}
