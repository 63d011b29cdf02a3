using CsCheck;
using GpuScheduler.Core.Planning;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Planning;

public sealed class CapacityPlannerTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    [Fact]
    public void The_nodes_to_add_are_as_few_as_any_that_let_run_all_that_waits() =>
        Gen.Select(Gen.Int[0, 4].Array[1, 2], Gen.Int[1, 5].Array[1, 5]).Sample(
            (free, sizes) =>
            {
                var cluster = new SmallCluster();
                for (var i = 0; i < free.Length; i++)
                {
                    cluster.Node($"n{i}", 4);
                    if (free[i] < 4)
                    {
                        cluster.Bound($"old-{i}", $"n{i}", 0, 4 - free[i]);
                    }
                }

                // A second kind, full.
                cluster.Node("small", 2).Bound("old-small", "small", 0, 2);
                for (var i = 0; i < sizes.Length; i++)
                {
                    cluster.Waits($"p{i}", sizes[i]);
                }

                var before = cluster.Holds();
                var found = CapacityPlanner.Find(cluster.Engine, s_limit, TestContext.Current.CancellationToken);

                var possible = sizes.Where(s => s <= 4).ToArray();
                Assert.Equal(sizes.Length - possible.Length, found.NotHelped.Length);
                Assert.Equal(Fewest(possible, free), found.Add.Sum(a => a.Count));
                Assert.True(found.IsFewest);
                Assert.Equal(possible.Length, found.HaveRoom.Length + found.Helped.Length);
                Assert.Equal(before, cluster.Holds());
            },
            iter: 200, threads: 1);

    [Fact]
    public void The_nodes_to_add_for_gangs_are_enough_and_counting_never_says_more_than_it_takes() =>
        Gen.Select(Gen.Int[0, 4].Array[1, 2], Gen.Int[1, 4].Array[1, 3].Array[1, 3]).Sample(
            (free, jobs) =>
            {
                var cluster = new SmallCluster();
                for (var i = 0; i < free.Length; i++)
                {
                    cluster.Node($"n{i}", 4);
                    if (free[i] < 4)
                    {
                        cluster.Bound($"old-{i}", $"n{i}", 0, 4 - free[i]);
                    }
                }

                for (var job = 0; job < jobs.Length; job++)
                {
                    for (var member = 0; member < jobs[job].Length; member++)
                    {
                        cluster.Waits($"j{job}-{member}", jobs[job][member], jobs[job].Length > 1 ? $"j{job}" : "", jobs[job].Length);
                    }
                }

                var before = cluster.Holds();
                var found = CapacityPlanner.Find(cluster.Engine, s_limit, TestContext.Current.CancellationToken);

                var fewest = Fewest([.. jobs.SelectMany(j => j)], free);
                Assert.InRange(found.Add.Sum(a => a.Count), fewest, jobs.Sum(j => j.Length));
                Assert.InRange(LeastNodes.For(Rehearsal.Of(cluster.Engine).Waiting(), cluster.State, 4), 0, fewest);
                Assert.Equal(jobs.Length, found.HaveRoom.Length + found.Helped.Length);
                Assert.Equal(before, cluster.Holds());
            },
            iter: 200, threads: 1);

    [Fact]
    public void Of_a_gang_that_can_start_with_fewer_members_only_those_count_that_it_needs()
    {
        var cluster = new SmallCluster().Node("a0", 4).Bound("old", "a0", 0, 4);
        for (var i = 0; i < 4; i++)
        {
            cluster.State.UpsertPod(new PodBuilder($"m{i}").Gpus(4).Annotate("gpuscheduler.io/gang-name", "train").Annotate("gpuscheduler.io/gang-size", "4")
                .Annotate("gpuscheduler.io/gang-min-members", "2").Build());
        }

        var found = CapacityPlanner.Find(cluster.Engine, s_limit, TestContext.Current.CancellationToken);

        Assert.Equal((2, 2, true), (found.Add.Sum(a => a.Count), found.AtLeast, found.IsFewest));
    }

    [Fact]
    public void A_long_queue_of_the_same_jobs_is_searched_to_its_end()
    {
        var cluster = new SmallCluster().Node("a0", 4).Bound("old", "a0", 0, 4);
        for (var i = 0; i < 60; i++)
        {
            cluster.Waits($"p{i}", 2 + (i % 2 * 2));
        }

        var found = CapacityPlanner.Find(cluster.Engine, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);

        Assert.Equal((60, 0, 45, 45, true), (found.Helped.Length, found.NotTried.Length, found.Add.Sum(a => a.Count), found.AtLeast, found.IsFewest));
    }

    [Fact]
    public void A_gang_that_needs_one_rack_is_helped_by_a_node_in_the_rack_that_has_most()
    {
        var cluster = new SmallCluster().Node("a0", 4, "a").Node("a1", 4, "a").Node("b0", 4, "b")
            .Waits("m0", 4, "train", 3, "rack").Waits("m1", 4, "train", 3, "rack").Waits("m2", 4, "train", 3, "rack");

        var found = CapacityPlanner.Find(cluster.Engine, s_limit, TestContext.Current.CancellationToken);

        var add = Assert.Single(found.Add);
        Assert.Equal((1, "rack a"), (add.Count, add.Kind.Beside));
        Assert.Equal("default/train", Assert.Single(found.Helped).Work.Name);
        Assert.True(found.IsFewest);
    }

    [Fact]
    public void A_gang_that_lacks_members_does_not_wait_for_nodes()
    {
        var cluster = new SmallCluster().Node("a0", 4).Waits("m0", 4, "train", 3);

        var found = CapacityPlanner.Find(cluster.Engine, s_limit, TestContext.Current.CancellationToken);

        Assert.Equal((0, 0, 0, 0), (found.Add.Length, found.HaveRoom.Length, found.Helped.Length, found.NotHelped.Length));
    }

    [Fact]
    public void When_the_time_is_over_it_is_said_what_was_not_looked_at_and_that_there_may_be_fewer()
    {
        // Enough GPUs are free, but not in one rack: counting proves nothing.
        var cluster = new SmallCluster().Node("a0", 4, "a").Bound("old-a", "a0", 0, 1).Node("b0", 4, "b").Bound("old-b", "b0", 0, 1)
            .Node("c0", 4, "c").Bound("old-c", "c0", 0, 4).Waits("m0", 3, "train", 2, "rack").Waits("m1", 3, "train", 2, "rack").Waits("p1", 4);

        var found = CapacityPlanner.Find(cluster.Engine, TimeSpan.FromTicks(-1), TestContext.Current.CancellationToken);

        Assert.Equal((2, false, 0), (found.Add.Sum(a => a.Count), found.IsFewest, found.AtLeast));
        Assert.Equal("default/pod-p1", Assert.Single(found.NotTried).Name);
    }

    private static int Fewest(int[] sizes, int[] free)
    {
        for (var count = 0; ; count++)
        {
            // Larger nodes do all that smaller ones do.
            if (SmallCluster.Fits(sizes, [.. free, .. Enumerable.Repeat(4, count)]))
            {
                return count;
            }
        }
    }
}
