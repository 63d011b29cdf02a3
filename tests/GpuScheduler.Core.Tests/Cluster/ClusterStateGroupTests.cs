using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class ClusterStateGroupTests
{
    private static readonly GangKey s_key = new("default", "scheduler-plugins", "g");
    private static readonly GroupObjectId s_id = new(GroupKinds.CoschedulingPodGroup, "default", "g");

    private readonly ClusterState _state = new(new ManualTimeProvider(), new LedgerOptions());

    [Fact]
    public void Members_come_and_go_with_their_pods()
    {
        _state.UpsertGroupObject(new GroupObject { Id = s_id, MinMembers = 2 });
        Assert.Null(_state.FindGroup(s_key));

        _state.UpsertPod(Member("1"));
        Assert.Equal("1 of 2 members present", _state.FindGroup(s_key)!.Reason);
        _state.UpsertPod(Member("2"));
        Assert.Equal(PodGroupStanding.Complete, _state.FindGroup(s_key)!.Standing);
        _state.UpsertPod(Member("2") with { IsTerminal = true });
        Assert.Equal("1 of 2 members present", _state.FindGroup(s_key)!.Reason);
        _state.ReplacePods([Member("3"), Member("4")], consistent: true);
        Assert.Equal(["3", "4"], _state.FindGroup(s_key)!.Members.Select(m => m.Uid));
        _state.DeletePod("3");
        _state.DeletePod("4");
        Assert.Null(_state.FindGroup(s_key));
        Assert.Empty(_state.Gangs);
    }

    [Fact]
    public void A_pod_may_change_its_gang()
    {
        _state.UpsertPod(Member("1"));
        _state.UpsertPod(Member("1", "h"));
        Assert.Equal(s_key with { Name = "h" }, Assert.Single(_state.Gangs));
        _state.UpsertPod(Member("1", null));
        Assert.Empty(_state.Gangs);
    }

    [Fact]
    public void Objects_may_come_before_their_pods_or_after_them_and_go_again()
    {
        _state.UpsertPod(Member("1"));
        Assert.Contains("cannot be read", _state.FindGroup(s_key)!.Reason, StringComparison.Ordinal);
        _state.ReplaceGroupObjects(s_id.Kind, []);
        Assert.Contains("does not exist", _state.FindGroup(s_key)!.Reason, StringComparison.Ordinal);
        _state.UpsertGroupObject(new GroupObject { Id = s_id, MinMembers = 2 });
        Assert.Equal("1 of 2 members present", _state.FindGroup(s_key)!.Reason);
        _state.UpsertGroupObject(new GroupObject { Id = s_id, MinMembers = 3 });
        Assert.Equal("1 of 3 members present", _state.FindGroup(s_key)!.Reason);
        _state.DeleteGroupObject(s_id);
        Assert.Contains("does not exist", _state.FindGroup(s_key)!.Reason, StringComparison.Ordinal);
        _state.ReplaceGroupObjects(s_id.Kind, [new GroupObject { Id = s_id, MinMembers = 4 }]);
        Assert.Equal("1 of 4 members present", _state.FindGroup(s_key)!.Reason);
        _state.ReplaceGroupObjects(s_id.Kind, null);
        Assert.Contains("cannot be read", _state.FindGroup(s_key)!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_group_is_worked_out_once_for_as_long_as_nothing_of_it_changes()
    {
        _state.UpsertGroupObject(new GroupObject { Id = s_id, MinMembers = 1 });
        _state.UpsertPod(Member("1"));
        var group = _state.FindGroup(s_key);
        _state.UpsertGroupObject(new GroupObject { Id = s_id with { Name = "other" }, MinMembers = 1 });
        _state.UpsertPod(Member("2", "other"));
        Assert.Same(group, _state.FindGroup(s_key));
    }

    [Fact]
    public void A_pod_that_was_not_seen_yet_counts_as_a_member_of_the_gang_that_it_asks_after()
    {
        _state.UpsertGroupObject(new GroupObject { Id = s_id, MinMembers = 2 });
        _state.UpsertPod(Member("1"));
        Assert.Equal(PodGroupStanding.Complete, _state.FindGroup(Member("2"))!.Standing);
        Assert.Equal(PodGroupStanding.Waiting, _state.FindGroup(s_key)!.Standing);
        Assert.Equal(PodGroupStanding.Waiting, _state.FindGroup(Member("9", "new"))!.Standing);
        Assert.Null(_state.FindGroup(Member("3", null)));
    }

    [Fact]
    public void Every_change_that_concerns_a_gang_is_counted_and_no_other()
    {
        var before = _state.GroupVersion;
        _state.UpsertPod(Member("x", null));
        _state.DeletePod("x");
        Assert.Equal(before, _state.GroupVersion);

        foreach (var change in (Action[])
        [
            () => _state.UpsertPod(Member("1")),
            () => _state.UpsertPod(Member("1") with { NodeName = "n" }),
            () => _state.UpsertGroupObject(new GroupObject { Id = s_id }),
            () => _state.DeleteGroupObject(s_id),
            () => _state.ReplaceGroupObjects(s_id.Kind, null),
            () => _state.DeletePod("1"),
        ])
        {
            before = _state.GroupVersion;
            change();
            Assert.True(_state.GroupVersion > before);
        }
    }

    private static PodInfo Member(string uid, string? group = "g")
    {
        var builder = new PodInfoBuilder { Uid = uid, Name = uid };
        if (group is not null)
        {
            builder.AddLabel("scheduling.x-k8s.io/pod-group", group);
        }

        return builder.Build();
    }
}
