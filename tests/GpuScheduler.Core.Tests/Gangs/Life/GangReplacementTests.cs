using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

/// <summary>What becomes of the place of a bound member that is gone. All nodes are full with gang "old"; others wait.</summary>
public sealed class GangReplacementTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void The_place_of_a_deleted_member_is_kept_for_the_one_that_replaces_it()
    {
        var bench = Full(out var place);
        Assert.Null(bench.Filter(bench.Arrive("waiting", 2, 4)[0]).Node);
        bench.Pass(s_second);

        bench.Cluster.DeletePod("old-1");

        Assert.Null(bench.Filter(Pod(bench, "waiting-0")).Node);
        Assert.Contains("kept for gang default/old, of which a member there is being replaced", Ask(bench, "small", 4, 0, place).Why, StringComparison.Ordinal);
        bench.Pass(s_second);
        bench.Pass(s_second + s_second);
        Assert.Equal(0, bench.Holding(AllocationState.Planned));
        Assert.Equal([place], Assert.Single(bench.Gangs.Find("default", "old")).KeptNodes);

        Replace(bench);
        Assert.Equal(GangState.Running, Assert.Single(bench.Gangs.Find("default", "old")).State);
        Assert.Empty(Assert.Single(bench.Gangs.Find("default", "old")).KeptNodes);
    }

    [Fact]
    public void What_was_filtered_before_the_member_was_gone_is_refused_at_bind()
    {
        var bench = Full(out var place);
        var small = new PodBuilder("small").Gpus(8).Build();
        bench.Cluster.UpsertPod(small);

        bench.Cluster.DeletePod("old-1");

        Assert.Contains("being replaced", bench.Engine.Promise(small, place).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void After_the_time_for_a_replacement_others_get_the_place_and_those_turned_away_are_woken()
    {
        var bench = Full(out var place);
        Assert.Null(bench.Filter(bench.Arrive("waiting", 2, 4)[0]).Node);
        bench.Cluster.DeletePod("old-1");
        Assert.Null(Ask(bench, "small", 8).Node);

        bench.Pass(TimeSpan.FromSeconds(15));
        Assert.Contains(bench.Gangs.TakeToWake(100), p => p.Uid == "small");
        bench.Pass(s_second + s_second);
        Assert.Equal(2, bench.Holding(AllocationState.Planned));
    }

    [Fact]
    public void A_gang_that_has_enough_members_without_the_one_that_is_gone_keeps_nothing()
    {
        var bench = Full(out var place, members: 3);

        bench.Cluster.DeletePod("old-1");

        Assert.Equal(place, Ask(bench, "small", 8).Node);
    }

    [Fact]
    public void A_gang_that_is_deleted_whole_keeps_nothing()
    {
        var bench = Full(out var place);

        bench.Cluster.DeletePod("old-0");
        bench.Cluster.DeletePod("old-1");

        Assert.Equal(place, Ask(bench, "small", 8, 0, place).Node);
    }

    [Fact]
    public void A_gang_whose_other_members_are_terminating_keeps_nothing()
    {
        var bench = Full(out var place);
        bench.Cluster.UpsertPod(Pod(bench, "old-0") with { IsTerminating = true });

        bench.Cluster.DeletePod("old-1");

        Assert.Equal(place, Ask(bench, "small", 8).Node);
    }

    [Fact]
    public void A_more_urgent_pod_gets_the_place()
    {
        var bench = Full(out var place);

        bench.Cluster.DeletePod("old-1");

        Assert.Equal(place, Ask(bench, "urgent", 8, priority: 1).Node);
    }

    [Fact]
    public void With_no_time_for_a_replacement_nothing_is_kept()
    {
        var bench = Full(out var place, options: new GangOptions { ReplaceHold = TimeSpan.Zero });

        bench.Cluster.DeletePod("old-1");

        Assert.Equal(place, Ask(bench, "small", 8).Node);
    }

    [Fact]
    public void As_much_is_kept_as_the_gang_lacks_and_beside_it_others_may_have_the_rest()
    {
        var bench = new GangBench(2);
        bench.Run(bench.Arrive("old", 4, 4));

        var gone = bench.Cluster.Current.Find("n1")!.Allocations[0].Pod.Uid;
        bench.Cluster.DeletePod(gone);

        Assert.Null(Ask(bench, "small", 1).Node);
        bench.Cluster.UpsertNode(GangBench.Node("n2"));
        Assert.Equal("n2", Ask(bench, "other", 1).Node);
    }

    /// <summary>As many nodes as the gang has members, each with one of 8 GPUs on it, and the node of member old-1.</summary>
    private static GangBench Full(out string place, int members = 2, GangOptions? options = null)
    {
        var bench = new GangBench(members, options);
        bench.Run(bench.Arrive("old", members, 8, min: 2));
        Assert.True(bench.Cluster.TryGetAllocation("old-1", out var held));
        place = held.Node;
        return bench;
    }

    private static void Replace(GangBench bench)
    {
        var pod = new PodBuilder("old-1-again").Annotate(GpuAnnotations.GangName, "old").Annotate(GpuAnnotations.GangMinMembers, "2").Annotate(GpuAnnotations.GangSize, "2").Gpus(8).Build();
        bench.Cluster.UpsertPod(pod);
        bench.Run([pod]);
    }

    private static PodInfo Pod(GangBench bench, string uid) => bench.Cluster.TryGetPod(uid, out var pod) ? pod : throw new ArgumentException(uid);

    private static (string? Node, string Why) Ask(GangBench bench, string name, int gpus, int priority = 0, params string[] offered)
    {
        var pod = new PodBuilder(name).Gpus(gpus).Priority(priority).Build();
        bench.Cluster.UpsertPod(pod);
        return bench.Filter(pod, offered);
    }
}
