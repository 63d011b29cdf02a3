using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Demand;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Demand;

public class ClassPressureTests
{
    private static readonly NodeCensus s_census = new(DemandWorld.ClusterOf(
        DemandWorld.Node("a", 4, 32, "Tesla-T4"), DemandWorld.Node("b", 2, 32, "Tesla-V100-SXM2-16GB"), DemandWorld.Node("c", 1, 8, "NVIDIA-L40S"), DemandWorld.Node("d", 1, 8, "NVIDIA-L40S")).Current);

    [Fact]
    public void Three_classes_by_hand()
    {
        // 4 T4, 2 V100 and 2 L40S: 8 cards. Demand in milli-GPU: 600 anywhere, 300 on T4, 200 on V100: 1100.
        var pressure = new ClassPressure(
            [
                (new DemandKind(1_000, 1, 1000, 1, ""), 0.6),
                (new DemandKind(1_000, 1, 1000, 1, "T4"), 0.3),
                (new DemandKind(1_000, 2, 1000, 1, "V100|H100"), 0.1),
            ],
            s_census);

        // A card of a class: 600/8 + 300/4, 600/8 + 200/2, 600/8, over the mean of 1100/8; the last is the least.
        Assert.Equal(300 / 4.0 * 8 / 1100, pressure.On(s_census.Classes[0].Class), 9);
        Assert.Equal(200 / 2.0 * 8 / 1100, pressure.On(s_census.Classes[1].Class), 9);
        Assert.Equal(0, pressure.On(s_census.Classes[2].Class));
    }

    [Fact]
    public void Pods_press_where_cards_CPU_and_memory_of_an_empty_node_are_enough()
    {
        double[] On(DemandKind kind)
        {
            var pressure = new ClassPressure([(kind, 1)], s_census);
            return [.. s_census.Classes.Select(c => pressure.On(c.Class))];
        }

        Assert.Equal([0, 0, 0], On(new DemandKind(8_000, 1, 1000, 512, "")));
        Assert.Equal([8 / 6.0, 8 / 6.0, 0], On(new DemandKind(8_001, 1, 1000, 512, "")));
        Assert.Equal([8 / 6.0, 8 / 6.0, 0], On(new DemandKind(0, 2, 300, 0, "")));
        Assert.Equal([2, 0, 0], On(new DemandKind(0, 4, 1000, 0, "")));
        Assert.Equal([0, 0, 0], On(new DemandKind(0, 1, 1000, 513, "")));
    }

    [Fact]
    public void A_pod_that_fills_the_largest_node_of_a_class_presses_though_its_cores_are_not_a_whole_number()
    {
        var census = new NodeCensus(DemandWorld.ClusterOf(
            new NodeBuilder("a").Gpus("Tesla-T4", 1).Allocatable("cpu", "3920m").Allocatable("memory", "15500Mi"),
            new NodeBuilder("b").Gpus("Tesla-T4", 1).Allocatable("cpu", "3100m").Allocatable("memory", "15400Mi"),
            new NodeBuilder("c").Gpus("Tesla-T4", 8).Allocatable("cpu", "2")).Current);
        Assert.Equal(2, census.Classes.Count);
        Assert.Equal(2, census.FindAble(new DemandKind(3_920, 1, 1000, 15, ""), new bool[2]));
        Assert.Equal(0, census.FindAble(new DemandKind(3_921, 1, 1000, 15, ""), new bool[2]));
    }

    [Fact]
    public void The_least_is_0_and_a_pod_that_no_node_could_take_changes_nothing()
    {
        string[] models = ["", "T4", "V100", "L40S", "T4|V100", "H100"];
        Gen.Select(Gen.Int[0, 40], Gen.Int[1, 5], Gen.Int[1, 10], Gen.Int[0, 5], Gen.Double[0.01, 1], (cores, cards, size, model, share) =>
            (Kind: new DemandKind(cores * 1000, cards, size * 100, 1, models[model]), Share: share)).Array[0, 8].Sample(kinds =>
        {
            var before = new ClassPressure(kinds, s_census);
            var least = s_census.Classes.Min(c => before.On(c.Class));
            Assert.Equal(0, least);
            var after = new ClassPressure([.. kinds, (new DemandKind(0, 5, 1000, 1, ""), 100), (new DemandKind(0, 1, 1000, 1, "H100"), 100), (new DemandKind(64_000, 1, 10, 1, "T4"), 1)], s_census);
            foreach (var c in s_census.Classes)
            {
                Assert.Equal(before.On(c.Class), after.On(c.Class), 12);
            }
        });
        Assert.Equal(0, new ClassPressure([], s_census).On(new NodeClass(-1, 1, 1, 1)));
    }
}
