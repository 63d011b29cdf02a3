using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Demand;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class SlotTests
{
    [Theory]
    [InlineData(7, null, 3)]
    [InlineData(1, null, 0)]
    [InlineData(8, 40_000L, 2)]
    [InlineData(8, 15_999L, 0)]
    [InlineData(8, -1L, 0)]
    [InlineData(4, 1_000_000L, 2)]
    public void A_node_has_as_many_slots_as_its_free_GPUs_and_CPU_are_enough_for(int freeGpus, long? cpu, int slots) =>
        Assert.Equal(slots, new Slot(2, 16_000, 0).On(freeGpus, cpu));

    [Fact]
    public void Pods_that_need_no_CPU_ask_for_none() => Assert.Equal(4, new Slot(2, 0, 0).On(8, 0));

    [Fact]
    public void Counts_that_follow_what_changed_are_those_counted_afresh()
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var random = new Random(seed);
            var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
            var census = new SlotCensus();
            var slots = Sizes(random);
            var counted = new HashSet<string>();
            for (var step = 0; step < 1200; step++)
            {
                Change(cluster, random, step);
                if (random.Next(100) == 0)
                {
                    slots = Sizes(random);
                }

                if (random.Next(3) == 0)
                {
                    continue;
                }

                var perSize = new long[slots.Length];
                Array.Fill(perSize, -7);
                var free = census.Count(cluster.Current, slots, perSize);
                var (expected, expectedFree) = Afresh(cluster.Current, slots);
                Assert.Equal(expectedFree, free);
                Assert.Equal(expected, perSize);
                counted.Add(string.Join(' ', perSize));
            }

            Assert.True(counted.Count > 200);
        }
    }

    private static ImmutableArray<Slot> Sizes(Random random) =>
        [.. new[] { 2, 3, 4, 8 }.Where(_ => random.Next(4) > 0).Select(c => new Slot(c, random.Next(3) * 7_000, random.Next(100)))];

    private static void Change(ClusterState cluster, Random random, int step)
    {
        var node = $"node-{random.Next(300)}";
        switch (random.Next(step < 300 ? 2 : 8))
        {
            case < 2:
                cluster.UpsertNode(DemandWorld.Node(node, random.Next(9), random.Next(3) * 48).Build());
                break;
            case 2:
                cluster.DeleteNode(node);
                break;
            case < 6:
                cluster.UpsertPod(new PodBuilder($"pod-{step}").Request("cpu", $"{random.Next(20)}")
                    .On(node, new DeviceAssignment([random.Next(2) == 0 ? new AssignedDevice(random.Next(8)) : new AssignedDevice(random.Next(8), Milli: random.Next(1, 1001))])).Build());
                break;
            default:
                cluster.DeletePod($"pod-{random.Next(step)}");
                break;
        }
    }

    /// <summary>Takes pods away from each node one by one.</summary>
    private static (long[] PerSize, long Free) Afresh(Snapshot snapshot, ImmutableArray<Slot> slots)
    {
        var perSize = new long[slots.Length];
        var free = 0L;
        foreach (var node in snapshot.Nodes)
        {
            for (var size = 0; node is not null && size < slots.Length; size++)
            {
                var (gpus, cpu) = (node.FreeGpus, node.FreeCpuMilli);
                while (gpus >= slots[size].Cards && (node.Facts.CpuMilli == 0 || slots[size].CpuMilli == 0 || cpu >= slots[size].CpuMilli))
                {
                    gpus -= slots[size].Cards;
                    cpu -= slots[size].CpuMilli;
                    perSize[size]++;
                }
            }

            for (var gpu = 0; node is not null && gpu < node.FreeCards.Length; gpu++)
            {
                free += node.FreeCards[gpu];
            }
        }

        return (perSize, free);
    }
}
