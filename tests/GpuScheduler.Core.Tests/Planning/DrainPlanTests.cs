using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Planning;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Planning;

public sealed class DrainPlanTests
{
    [Fact]
    public void All_pods_of_a_node_fit_elsewhere_just_when_some_placement_of_them_does() =>
        Gen.Select(Gen.Int[0, 4].Array[1, 4], Gen.Int[1, 3].Array[1, 4]).Sample(
            (free, sizes) =>
            {
                var cluster = new SmallCluster().Node("drained", 16);
                for (var i = 0; i < free.Length; i++)
                {
                    cluster.Node($"n{i}", 4);
                    if (free[i] < 4)
                    {
                        cluster.Bound($"old-{i}", $"n{i}", 0, 4 - free[i]);
                    }
                }

                for (int i = 0, at = 0; i < sizes.Length; at += sizes[i], i++)
                {
                    cluster.Bound($"p{i}", "drained", at, sizes[i]);
                }

                var before = cluster.Holds();
                var plan = DrainPlan.Of(cluster.Engine, "drained")!;

                Assert.Equal(SmallCluster.Fits(sizes, [.. free]), plan.AllFit);
                Assert.Equal(sizes.Length, plan.Outcomes.Length);

                // Nothing is given twice, and what is refused has no room beside the rest.
                var left = cluster.Free();
                left.Remove("drained");
                var taken = new HashSet<(string, int)>();
                foreach (var place in plan.Outcomes.SelectMany(o => o.Places))
                {
                    var devices = place.Devices.Devices.Select(d => d.Gpu).ToList();
                    Assert.Equal(place.Pod.Request.WholeGpus, devices.Count);
                    Assert.All(devices, d => Assert.True(d >= 4 - free[int.Parse(place.Node[1..], System.Globalization.CultureInfo.InvariantCulture)] && taken.Add((place.Node, d))));
                    left[place.Node] -= devices.Count;
                }

                foreach (var refused in plan.Outcomes.Where(o => !o.IsPlaced))
                {
                    Assert.True(left.Values.All(f => f < refused.Work.Pods[0].Request.WholeGpus));
                    Assert.NotEmpty(refused.Why);
                }

                Assert.Equal(before, cluster.Holds());
            },
            iter: 400, threads: 1);

    [Fact]
    public void Members_of_a_gang_go_where_the_others_allow()
    {
        var cluster = new SmallCluster().Node("a0", 4, "a").Node("a1", 4, "a").Node("a2", 4, "a").Node("b0", 8, "b")
            .Bound("m0", "a0", 0, 4, "train", 2, "rack").Bound("m1", "a1", 0, 4, "train", 2, "rack");

        var plan = DrainPlan.Of(cluster.Engine, "a0")!;

        var outcome = Assert.Single(plan.Outcomes);
        Assert.True(plan.AllFit);
        Assert.False(outcome.Restarts);
        Assert.Equal("a2", Assert.Single(outcome.Places).Node);
    }

    [Fact]
    public void A_gang_that_cannot_be_completed_where_it_is_goes_elsewhere_as_a_whole()
    {
        var cluster = new SmallCluster().Node("a0", 4, "a").Node("a1", 4, "a").Node("b0", 4, "b").Node("b1", 4, "b")
            .Bound("m0", "a0", 0, 4, "train", 2, "rack").Bound("m1", "a1", 0, 4, "train", 2, "rack");

        var plan = DrainPlan.Of(cluster.Engine, "a0")!;

        var outcome = Assert.Single(plan.Outcomes);
        Assert.True(outcome.Restarts);
        Assert.Equal(["b0", "b1"], outcome.Places.Select(p => p.Node).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_gang_without_room_is_said_to_have_none()
    {
        var cluster = new SmallCluster().Node("a0", 4, "a").Node("a1", 4, "a")
            .Bound("m0", "a0", 0, 4, "train", 2).Bound("m1", "a1", 0, 4, "train", 2);

        var plan = DrainPlan.Of(cluster.Engine, "a0")!;

        Assert.False(plan.AllFit);
        Assert.NotEmpty(Assert.Single(plan.Outcomes).Why);
    }

    [Fact]
    public void No_pod_is_sent_to_a_node_that_is_cordoned()
    {
        var cluster = new SmallCluster().Node("a0", 4).Bound("p", "a0", 0, 4);
        cluster.State.UpsertNode(new NodeBuilder("closed").Gpus(SmallCluster.Product, 8).Taint(NodeTaint.Unschedulable).Build());

        Assert.False(DrainPlan.Of(cluster.Engine, "a0")!.AllFit);
        cluster.Node("open", 8);
        Assert.Equal("open", DrainPlan.Of(cluster.Engine, "a0")!.Outcomes[0].Places[0].Node);
    }

    [Fact]
    public void A_node_that_is_not_known_has_no_plan() => Assert.Null(DrainPlan.Of(new SmallCluster().Node("a0", 4).Engine, "b0"));
}
