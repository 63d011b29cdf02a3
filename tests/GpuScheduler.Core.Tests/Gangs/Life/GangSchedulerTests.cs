using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs.Life;

public sealed class GangSchedulerTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_member_of_an_incomplete_gang_is_told_how_many_are_there()
    {
        var bench = new GangBench(4);
        bench.Cluster.UpsertPod(GangBench.Member("g", 0, 8, 3));
        bench.Cluster.UpsertPod(GangBench.Member("g", 1, 8, 3));

        var (node, why) = bench.Filter(GangBench.Member("g", 0, 8, 3));

        Assert.Null(node);
        Assert.Contains("2 of 3 members present", why, StringComparison.Ordinal);
        Assert.Empty(bench.Cluster.CountAllocations());
    }

    [Fact]
    public void The_first_filter_holds_the_devices_of_all_members_and_the_answers_stay_the_same()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);

        var first = bench.Place(pods[0]);
        Assert.Equal(3, bench.Holding(AllocationState.Planned));
        var all = pods.Select(p => bench.Place(p)).ToList();
        var again = pods.Select(p => bench.Place(p)).ToList();

        Assert.Equal(first, all[0]);
        Assert.Equal(all, again);
        Assert.Equal(3, all.Distinct().Count());
    }

    [Fact]
    public void A_gang_without_a_place_holds_nothing_and_says_what_is_missing()
    {
        var bench = new GangBench(3);
        var pods = bench.Arrive("g", 4, 8);

        var (node, why) = bench.Filter(pods[0]);

        Assert.Null(node);
        Assert.Contains("short of 1 node with 8 GPUs free", why, StringComparison.Ordinal);
        Assert.Empty(bench.Cluster.CountAllocations());
        Assert.Equal(GangState.Unplaced, Assert.Single(bench.Gangs.List()).State);
    }

    [Fact]
    public void Of_two_gangs_that_do_not_fit_together_one_has_all_and_the_other_nothing()
    {
        var bench = new GangBench(4);
        var a = bench.Arrive("a", 3, 8);
        var b = bench.Arrive("b", 3, 8);

        bench.Place(a[0]);
        Assert.Null(bench.Filter(b[0]).Node);
        bench.Place(a[1]);
        Assert.Null(bench.Filter(b[1]).Node);

        Assert.All(bench.Cluster.AllocationsIn(AllocationState.Planned), h => Assert.Equal("a", h.Pod.Gang!.Key.Name));
        Assert.Equal(3, bench.Holding(AllocationState.Planned));
    }

    [Fact]
    public void No_member_is_bound_before_all_have_come()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);
        var binds = pods.Select(p => (Pod: p, Node: bench.Place(p))).ToList();

        var first = bench.Engine.PromiseAsync(binds[0].Pod, binds[0].Node);
        var second = bench.Engine.PromiseAsync(binds[1].Pod, binds[1].Node);
        Assert.False(first.IsCompleted || second.IsCompleted);
        Assert.Equal(GangState.Binding, Assert.Single(bench.Gangs.List()).State);
        var third = bench.Engine.PromiseAsync(binds[2].Pod, binds[2].Node);

        Assert.All([first, second, third], t => Assert.True(GangBench.Answer(t).IsGranted));
        Assert.Equal(3, bench.Holding(AllocationState.Promised));
    }

    [Fact]
    public void When_members_do_not_come_in_time_all_are_sent_back_and_every_device_is_free()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);
        var binds = pods.Take(2).Select(p => bench.Engine.PromiseAsync(p, bench.Place(p))).ToList();

        bench.Pass(TimeSpan.FromSeconds(14));
        Assert.All(binds, b => Assert.False(b.IsCompleted));
        bench.Pass(s_second);

        Assert.All(binds, b => Assert.Contains("1 of 3 members did not come to bind in time", GangBench.Answer(b).Refusal, StringComparison.Ordinal));
        Assert.Empty(bench.Cluster.CountAllocations());
        Assert.Contains("tries again", bench.Filter(pods[0]).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_gang_that_did_not_come_together_leaves_its_devices_to_others_and_is_planned_again()
    {
        var bench = new GangBench(3);
        var pods = bench.Arrive("g", 3, 8);
        _ = bench.Engine.PromiseAsync(pods[0], bench.Place(pods[0]));
        bench.Pass(TimeSpan.FromSeconds(15));

        var other = new PodBuilder("other").Gpus(8).Build();
        Assert.NotEqual(0, bench.Engine.Filter(other, bench.Cluster.Current, [0, 1, 2], new Status[3]));
        bench.Cluster.Abandon("other");
        bench.Pass(TimeSpan.FromSeconds(3));

        Assert.Equal(3, bench.Holding(AllocationState.Planned));
        Assert.Equal(["g-0", "g-1", "g-2"], bench.Gangs.TakeToWake(10).Select(p => p.Uid).Order());
    }

    [Fact]
    public void A_plan_that_nobody_comes_for_expires_as_a_whole()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);
        bench.Place(pods[0]);
        bench.Pass(TimeSpan.FromSeconds(40));
        bench.Place(pods[1]);
        bench.Pass(TimeSpan.FromSeconds(40));
        Assert.Equal(3, bench.Holding(AllocationState.Planned));

        bench.Pass(TimeSpan.FromSeconds(20));

        Assert.Empty(bench.Cluster.CountAllocations());
    }

    [Fact]
    public void A_gang_that_lost_a_member_keeps_its_places_and_the_replacement_takes_the_slot()
    {
        var bench = new GangBench(3);
        var pods = bench.Arrive("g", 3, 8);
        var places = pods.Select(p => bench.Place(p)).ToList();
        var waits = bench.Engine.PromiseAsync(pods[0], places[0]);

        bench.Cluster.DeletePod("g-1");
        bench.Pass(s_second);
        Assert.Contains("2 of 3 members present", bench.Filter(pods[2]).Why, StringComparison.Ordinal);
        var replacement = GangBench.Member("g", 3, 8, 3, 3);
        bench.Cluster.UpsertPod(replacement);

        Assert.Equal(places[1], bench.Place(replacement));
        Assert.Equal(places[2], bench.Place(pods[2]));
        Assert.False(waits.IsCompleted);
        var others = new[] { bench.Engine.PromiseAsync(replacement, places[1]), bench.Engine.PromiseAsync(pods[2], places[2]) };
        Assert.All([waits, .. others], t => Assert.True(GangBench.Answer(t).IsGranted));
    }

    [Fact]
    public void A_member_whose_node_is_not_offered_moves_alone()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);
        var places = pods.Select(p => bench.Place(p)).ToList();
        var free = new[] { "n0", "n1", "n2", "n3" }.Except(places).Single();

        var moved = bench.Place(pods[1], [places[0], places[2], free]);

        Assert.Equal(free, moved);
        Assert.Equal([places[0], free, places[2]], [bench.Place(pods[0]), bench.Place(pods[1]), bench.Place(pods[2])]);
    }

    [Fact]
    public void A_node_that_is_offered_alone_once_is_no_reason_to_plan_anew_and_twice_it_is()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);
        var places = pods.Select(p => bench.Place(p)).ToList();
        var free = new[] { "n0", "n1", "n2", "n3" }.Except(places).Single();

        Assert.Null(bench.Filter(pods[1], free).Node);
        Assert.Equal("g-1", Assert.Single(bench.Gangs.TakeToWake(9)).Uid);
        Assert.Equal(places[1], bench.Place(pods[1]));
        Assert.Null(bench.Filter(pods[1], free).Node);
        Assert.Equal(free, bench.Place(pods[1], free));
        Assert.Equal([places[0], places[2]], [bench.Place(pods[0]), bench.Place(pods[2])]);
    }

    [Fact]
    public void When_a_node_goes_the_gang_is_planned_around_its_bound_members()
    {
        var bench = new GangBench(4);
        var pods = bench.Arrive("g", 3, 8);
        var binds = pods.Select(p => (Pod: p, Node: bench.Place(p))).ToList();
        var promises = binds.Select(b => bench.Engine.PromiseAsync(b.Pod, b.Node)).ToList();
        bench.Bound(pods[0], GangBench.Answer(promises[0]));
        bench.Bound(pods[1], GangBench.Answer(promises[1]));

        bench.Engine.BindFailed(pods[2]);
        bench.Cluster.DeleteNode(binds[2].Node);
        var place = bench.Place(pods[2]);

        Assert.DoesNotContain(place, binds.Select(b => b.Node));
        Assert.True(GangBench.Answer(bench.Engine.PromiseAsync(pods[2], place)).IsGranted);
    }

    [Fact]
    public void A_member_whose_bind_failed_keeps_its_place_and_goes_on_alone()
    {
        var bench = new GangBench(3);
        var pods = bench.Arrive("g", 3, 8);
        var binds = pods.Select(p => (Pod: p, Node: bench.Place(p))).ToList();
        var promises = binds.Select(b => bench.Engine.PromiseAsync(b.Pod, b.Node)).ToList();
        bench.Bound(pods[0], GangBench.Answer(promises[0]));
        bench.Bound(pods[1], GangBench.Answer(promises[1]));

        bench.Engine.BindFailed(pods[2]);

        Assert.Equal(binds[2].Node, bench.Place(pods[2]));
        Assert.True(GangBench.Answer(bench.Engine.PromiseAsync(pods[2], binds[2].Node)).IsGranted);
    }

    [Fact]
    public void Members_beyond_the_minimum_are_bound_freely_and_wait_for_room_alone()
    {
        var bench = new GangBench(3);
        var pods = bench.Arrive("g", 4, 8, min: 2);
        bench.Run(pods.Take(2));
        bench.Run(pods.Skip(2).Take(1));

        Assert.Contains("no room for more members", bench.Filter(pods[3]).Why, StringComparison.Ordinal);
        Assert.Equal(GangState.Running, Assert.Single(bench.Gangs.List()).State);
        bench.Cluster.UpsertNode(GangBench.Node("n9"));
        Assert.Equal("n9", bench.Place(pods[3]));
    }

    [Fact]
    public void After_a_restart_the_gang_completes_around_its_bound_members()
    {
        var before = new GangBench(3);
        var pods = before.Arrive("g", 3, 8);
        var promises = pods.Select(p => (Pod: p, Node: before.Place(p))).ToList().Select(b => before.Engine.PromiseAsync(b.Pod, b.Node)).ToList();
        before.Bound(pods[0], GangBench.Answer(promises[0]));
        Assert.True(before.Cluster.TryGetPod("g-0", out var bound));

        var after = new GangBench(3);
        after.Cluster.ReplacePods([bound, pods[1], pods[2]], consistent: true);
        var first = after.Engine.PromiseAsync(pods[1], after.Place(pods[1]));
        Assert.False(first.IsCompleted);
        var second = after.Engine.PromiseAsync(pods[2], after.Place(pods[2]));

        Assert.All([first, second], t => Assert.True(GangBench.Answer(t).IsGranted));
    }

    [Fact]
    public void A_gang_that_is_gone_leaves_nothing_behind()
    {
        var bench = new GangBench(3);
        var pods = bench.Arrive("g", 3, 8);
        var waits = bench.Engine.PromiseAsync(pods[0], bench.Place(pods[0]));

        foreach (var pod in pods)
        {
            bench.Cluster.DeletePod(pod.Uid);
        }

        bench.Pass(s_second);

        Assert.False(GangBench.Answer(waits).IsGranted);
        Assert.Empty(bench.Cluster.CountAllocations());
        Assert.Empty(bench.Gangs.List());
    }

    [Fact]
    public void Waiting_gangs_get_their_places_in_the_order_of_priority_and_age_and_are_woken()
    {
        var bench = new GangBench(3);
        var running = bench.Arrive("running", 3, 8);
        bench.Run(running);
        var old = bench.Arrive("old", 2, 8);
        Assert.Null(bench.Filter(old[0]).Node);
        bench.Time.Advance(s_second);
        var urgent = bench.Arrive("urgent", 2, 8, priority: 5);
        Assert.Null(bench.Filter(urgent[0]).Node);
        Assert.Null(bench.Filter(urgent[1]).Node);

        foreach (var pod in running)
        {
            bench.Cluster.DeletePod(pod.Uid);
        }

        bench.Pass(s_second + s_second);

        Assert.All(bench.Cluster.AllocationsIn(AllocationState.Planned), h => Assert.Equal("urgent", h.Pod.Gang!.Key.Name));
        Assert.Equal(["urgent-0", "urgent-1"], bench.Gangs.TakeToWake(10).Select(p => p.Uid).Order());
        Assert.Empty(bench.Gangs.TakeToWake(10));
    }

    [Fact]
    public void The_members_that_waited_for_the_last_one_are_woken_when_it_comes()
    {
        var bench = new GangBench(3);
        var pods = Enumerable.Range(0, 3).Select(i => GangBench.Member("g", i, 8, 3)).ToList();
        foreach (var pod in pods.Take(2))
        {
            bench.Cluster.UpsertPod(pod);
            Assert.Null(bench.Filter(pod).Node);
        }

        bench.Place(pods[2]); // the watch has not shown it

        Assert.Equal(["g-0", "g-1"], bench.Gangs.TakeToWake(10).Select(p => p.Uid).Order());
    }

    [Fact]
    public void A_gang_with_a_required_level_stays_inside_one_domain()
    {
        var bench = new GangBench(0);
        for (var i = 0; i < 6; i++)
        {
            bench.Cluster.UpsertNode(GangBench.Node($"n{i}", rack: $"r{i / 2}"));
        }

        var pods = bench.Arrive("g", 2, 8, more: (GpuAnnotations.GangRequiredTopology, "rack"));
        var places = pods.Select(p => bench.Place(p)[1] - '0').ToList();
        Assert.Equal(places[0] / 2, places[1] / 2);

        var wide = bench.Arrive("wide", 3, 8, more: (GpuAnnotations.GangRequiredTopology, "rack"));
        Assert.Contains("short of 1 node", bench.Filter(wide[0]).Why, StringComparison.Ordinal);
        var nowhere = bench.Arrive("nowhere", 2, 8, more: (GpuAnnotations.GangRequiredTopology, "galaxy"));
        Assert.Contains("no node carries this level", bench.Filter(nowhere[0]).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_that_ask_for_different_things_are_placed_together()
    {
        var bench = new GangBench(2);
        var workers = Enumerable.Range(0, 2).Select(i => GangBench.Member("g", i, 6, 4)).ToList();
        var helpers = Enumerable.Range(2, 2).Select(i => GangBench.Member("g", i, 2, 4)).ToList();
        PodInfo[] pods = [.. helpers, .. workers];
        foreach (var pod in pods)
        {
            bench.Cluster.UpsertPod(pod);
        }

        bench.Run(pods);

        Assert.Equal(0, bench.Cluster.Current.Find("n0")!.FreeGpus);
        Assert.Equal(0, bench.Cluster.Current.Find("n1")!.FreeGpus);
    }

    [Fact]
    public void A_member_without_gpus_is_counted_and_let_through_once_the_others_have_places()
    {
        var bench = new GangBench(2);
        var launcher = GangBench.Member("g", 9, 0, 3);
        bench.Cluster.UpsertPod(launcher);
        bench.Cluster.UpsertPod(GangBench.Member("g", 0, 8, 3));
        var last = GangBench.Member("g", 1, 8, 3);
        Assert.Contains("2 of 3 members present", bench.Filter(launcher).Why, StringComparison.Ordinal);
        bench.Cluster.UpsertPod(last);
        Assert.Contains("waits for places", bench.Filter(launcher).Why, StringComparison.Ordinal);

        bench.Place(last);

        Assert.NotNull(bench.Filter(launcher).Node);
    }

    [Fact]
    public void A_wrong_declaration_is_told_to_its_owner()
    {
        var bench = new GangBench(2);
        var pod = GangBench.Member("g", 0, 8, 2);
        var other = GangBench.Member("g", 1, 8, 3);
        bench.Cluster.UpsertPod(pod);
        bench.Cluster.UpsertPod(other);

        Assert.Contains("disagree", bench.Filter(pod).Why, StringComparison.Ordinal);
        Assert.Equal(GangState.Invalid, Assert.Single(bench.Gangs.List()).State);
    }

    [Fact]
    public void Nothing_is_evicted_for_a_member_of_a_gang_and_no_planned_member_for_others()
    {
        var bench = new GangBench(1);
        var pods = bench.Arrive("g", 2, 8);
        bench.Cluster.UpsertPod(new PodBuilder("victim").Gpus(8).On("n0", null).Build());
        Assert.Empty(bench.Engine.Preempt(pods[0], bench.Cluster.Current, [new PreemptionCandidate("n0", ["victim"], 0)]));

        bench.Cluster.DeletePod("victim");
        var small = bench.Arrive("small", 2, 4);
        bench.Place(small[0]);
        var urgent = new PodBuilder("urgent").Gpus(8).Priority(9).Build();
        Assert.Empty(bench.Engine.Preempt(urgent, bench.Cluster.Current, [new PreemptionCandidate("n0", [], 0)]));
    }
}
