using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Plugins;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Tests.Devices;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public class ScoreTests
{
    [Fact]
    public void Every_score_of_every_pick_is_between_nothing_and_one()
    {
        var scored = 0;
        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var shape = new NodeShape((NodeKind)random.Next(6), "n");
            var facts = NodeFactsBuilder.Build(shape.Node(), shape.Report());
            var node = facts.Empty;
            for (var i = random.Next(6); i > 0; i--)
            {
                var other = PodShape.Random(random).Builder($"o{i}").Build();
                if (Picks.TryPick(other.Request, node, out var taken, out _))
                {
                    node = NodeInfo.Build(facts, node.Allocations.Add(new Allocation(other, "n", taken.ToAssignment(other.Request, node), AllocationState.Bound)));
                }
            }

            var state = new CycleState(PodShape.Random(random).Builder("p").Build());
            if (!Picks.TryPick(state.Request, node, out var pick, out _))
            {
                continue;
            }

            foreach (var (plugin, _) in Profile.Default.Scores)
            {
                scored++;
                var score = plugin.Score(state, node, pick);
                Assert.True(score is >= 0 and <= 1, $"seed {seed}: {plugin.Name} says {score}");
            }
        }

        Assert.True(scored > 3000, $"{scored} scored");
    }

    [Fact]
    public void What_free_GPUs_offer_is_the_mean_over_sizes_that_nest()
    {
        for (var free = 0; free <= 64; free++)
        {
            var mean = new[] { 1, 2, 4, 8 }.Average(k => k * (free / k));
            Assert.Equal(mean, Spoilage.Offer(free), 12);
        }
    }

    [Theory]
    [InlineData(8, 8, 1.0)]
    [InlineData(8, 4, 1 - (2 / 3.5))]
    [InlineData(4, 4, 1.0)]
    [InlineData(8, 1, 0.0)]
    [InlineData(1, 1, 1.0)]
    public void Whole_GPUs_spoil_what_the_definition_says(int free, int taken, double expected)
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-L40S", 8).Build(), null);
        ImmutableArray<Allocation> used = free == 8 ? [] : [new Allocation(new PodBuilder("o").Gpus(8 - free).Build(), "n", new DeviceAssignment([.. Enumerable.Range(0, 8 - free).Select(i => new AssignedDevice(i))]), AllocationState.Bound)];
        var node = NodeInfo.Build(facts, used);
        var state = new CycleState(new PodBuilder("p").Gpus(taken).Build());
        Assert.True(Picks.TryPick(state.Request, node, out var pick, out _));
        var spoilt = (Spoilage.Offer(free) - Spoilage.Offer(free - taken) - Spoilage.Offer(taken)) / 3.5;
        Assert.Equal(expected, new Spoilage().Score(state, node, pick), 9);
        Assert.Equal(1 - spoilt, new Spoilage().Score(state, node, pick), 9);
    }

    [Fact]
    public void A_node_is_judged_by_the_links_it_could_give_or_when_asked_by_their_speed()
    {
        var v100 = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("Tesla-V100-SXM2-16GB", 8).Build(), null);
        var split = NodeInfo.Build(v100, [new Allocation(new PodBuilder("o").Gpus(4).Build(), "n", new DeviceAssignment([new AssignedDevice(0), new AssignedDevice(3), new AssignedDevice(4), new AssignedDevice(7)]), AllocationState.Bound)]);
        Assert.Equal(1, Topology(v100.Empty, 4, null));
        Assert.True(Topology(split, 4, null) < 1);
        Assert.Equal(1, Topology(split, 1, null));
        Assert.Equal(1, Topology(split, 4, "none"));
        var h100 = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-H100-80GB-HBM3", 8).Build(), null);
        Assert.Equal(1, Topology(h100.Empty, 8, "preferred"));
        Assert.True(Topology(v100.Empty, 8, "preferred") < 0.2);
        var l40S = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-L40S", 8).Build(), null);
        Assert.Equal((1, 0), (Topology(l40S.Empty, 4, null), Topology(l40S.Empty, 4, "preferred")));
    }

    [Fact]
    public void A_fuller_node_scores_higher_in_packing()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("Tesla-T4", 4).Build(), null);
        var state = new CycleState(new PodBuilder("p").Share(milli: 500).Build());
        double Packing(params AssignedDevice[] held)
        {
            var node = NodeInfo.Build(facts, [new Allocation(new PodBuilder("o").Build(), "n", new DeviceAssignment([.. held]), AllocationState.Bound)]);
            Assert.True(Picks.TryPick(state.Request, node, out var pick, out _));
            return new Packing().Score(state, node, pick);
        }

        Assert.Equal(500 / 4000.0, Packing(), 9);
        Assert.Equal(1000 / 4000.0, Packing(new AssignedDevice(0, Milli: 500)), 9);
        Assert.Equal(1500 / 4000.0, Packing(new AssignedDevice(0)), 9);
        Assert.Equal(1000 / 4000.0, Packing(new AssignedDevice(0, MemoryMiB: 7_680)), 9);
    }

    private static double Topology(NodeInfo node, int gpus, string? nvlink)
    {
        var pod = new PodBuilder("p").Gpus(gpus);
        var state = new CycleState((nvlink is null ? pod : pod.Nvlink(nvlink)).Build());
        Assert.True(Picks.TryPick(state.Request, node, out var pick, out _));
        return new Topology().Score(state, node, pick);
    }
}
