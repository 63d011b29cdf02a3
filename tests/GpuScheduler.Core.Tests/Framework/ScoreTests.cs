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
        var profile = Profile.Create(new ScoreWeights());
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        foreach (var kind in Enum.GetValues<NodeKind>())
        {
            cluster.UpsertNode(new NodeShape(kind, $"{kind}").Node());
            cluster.UpsertReport($"{kind}", new NodeShape(kind, $"{kind}").Report());
        }

        for (var seed = 0; seed < 4000; seed++)
        {
            var random = new Random(seed);
            var shape = new NodeShape((NodeKind)random.Next(6), "n");
            var facts = NodeFactsBuilder.Build(shape.Node(), shape.Report());
            var node = facts.Empty;
            for (var i = random.Next(6); i > 0; i--)
            {
                var other = PodShape.Random(random).Builder($"o{i}").Build();
                if (DeviceAllocator.TryPick(other, node, profile.CardOrder, out var taken, out _))
                {
                    node = NodeInfo.Build(facts, node.Allocations.Add(new Allocation(other, "n", taken.ToAssignment(other.Request, node), AllocationState.Bound)));
                }
            }

            var state = new CycleState(PodShape.Random(random).Builder("p").Build());
            profile.Observer!.Observe(state.Pod, isNew: true, cluster.Current);
            if (!DeviceAllocator.TryPick(state.Pod, node, profile.CardOrder, out var pick, out _))
            {
                continue;
            }

            foreach (var (plugin, _) in profile.Scores)
            {
                scored++;
                var score = plugin.Score(state, node, pick);
                Assert.True(score is >= 0 and <= 1, $"seed {seed}: {plugin.Name} says {score}");
            }
        }

        Assert.True(scored > 3000, $"{scored} scored");
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

    private static double Topology(NodeInfo node, int gpus, string? nvlink)
    {
        var pod = new PodBuilder("p").Gpus(gpus);
        var state = new CycleState((nvlink is null ? pod : pod.Nvlink(nvlink)).Build());
        Assert.True(Picks.TryPick(state.Request, node, out var pick, out _));
        return new Topology().Score(state, node, pick);
    }
}
