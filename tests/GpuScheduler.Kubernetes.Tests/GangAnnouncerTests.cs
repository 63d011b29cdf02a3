using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class GangAnnouncerTests : ApiServerTests
{
    private const string Events = "/apis/events.k8s.io/v1/namespaces/team/events";
    private const string Coscheduling = "/apis/scheduling.x-k8s.io/v1alpha1/namespaces/team/podgroups/g/status";

    private GangAnnouncer _announcer = null!;

    private protected override void Begin()
    {
        _announcer = new GangAnnouncer(Connection, new StepClock());
    }

    [Fact]
    public async Task An_event_says_reason_and_note_of_the_group_object()
    {
        Server.On(Events, Json("{}", 201));

        await _announcer.SayAsync(new GangNotice("team", new GroupObjectId(GroupKinds.CoschedulingPodGroup, "team", "g"), "g-0", "u", "GangUnplaced", "no room", true), Cancellation);

        var said = JsonNode.Parse((await Server.RequestAsync(Events)).Body)!;
        Assert.Equal(("GangUnplaced", "no room", "Warning"), ((string?)said["reason"], (string?)said["note"], (string?)said["type"]));
        Assert.Equal(("scheduling.x-k8s.io/v1alpha1", "PodGroup", "g", "u"), ((string?)said["regarding"]!["apiVersion"], (string?)said["regarding"]!["kind"], (string?)said["regarding"]!["name"], (string?)said["regarding"]!["uid"]));
        Assert.All(["eventTime", "reportingController", "reportingInstance", "action"], field => Assert.NotEqual("", (string?)said[field]));
    }

    [Fact]
    public async Task The_same_notice_is_the_same_event_and_its_existence_no_fault()
    {
        Server.On(Events, Json("{}", 201)).On(Events, Status(409, "AlreadyExists")).On(Events, Json("{}", 201));
        var notice = new GangNotice("team", null, "g-0", "u", "GangWaiting", "2 of 3 members present", false);

        await _announcer.SayAsync(notice, Cancellation);
        await _announcer.SayAsync(notice, Cancellation);
        await _announcer.SayAsync(notice with { Note = "another" }, Cancellation);

        var names = new[] { await Name(), await Name(), await Name() };
        Assert.Equal(names[0], names[1]);
        Assert.NotEqual(names[0], names[2]);

        async Task<string?> Name() => (string?)JsonNode.Parse((await Server.RequestAsync(Events)).Body)!["metadata"]!["name"];
    }

    [Theory]
    [InlineData("{}", GangState.Waiting, 0, """{"phase":"Pending"}""")]
    [InlineData("""{"phase":"Pending","scheduleStartTime":"x"}""", GangState.Planned, 0, """{"phase":"Scheduling"}""")]
    [InlineData("""{"phase":"Scheduling"}""", GangState.Running, 3, """{"scheduled":3}""")]
    [InlineData("""{"phase":"Scheduling"}""", GangState.Unplaced, 0, null)]
    [InlineData("""{"phase":"Running","scheduled":3}""", GangState.Running, 3, null)]
    [InlineData("""{"phase":"Finished","scheduled":3}""", GangState.Waiting, 3, null)]
    public async Task A_PodGroup_of_scheduler_plugins_goes_forward_as_far_as_its_controller_has_not(string present, GangState state, int bound, string? change)
    {
        Server.On(Coscheduling, Json($$$"""{"metadata":{"resourceVersion":"5"},"status":{{{present}}} }""")).On(Coscheduling, Json("{}"));

        await _announcer.SetStatusAsync(new GroupObjectId(GroupKinds.CoschedulingPodGroup, "team", "g"), state, bound, "why", Cancellation);

        await Server.RequestAsync(Coscheduling);
        Assert.Equal(change is null ? 0 : 1, Server.Unseen(Coscheduling));
        if (change is not null)
        {
            var patch = JsonNode.Parse((await Server.RequestAsync(Coscheduling)).Body)!;
            Assert.Equal("5", (string?)patch["metadata"]!["resourceVersion"]);
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(change), patch["status"]), patch.ToJsonString());
        }
    }

    [Theory]
    [InlineData("v1alpha2", "PodGroupScheduled")]
    [InlineData("v1beta1", "PodGroupInitiallyScheduled")]
    public async Task A_PodGroup_of_Kubernetes_gets_a_condition_beside_those_of_others_in_the_version_that_is_served(string version, string type)
    {
        foreach (var other in new[] { "v1beta1", "v1alpha3", "v1alpha2" })
        {
            Server.Without(Native(other));
        }

        Server.On(Native(version), Json("""{"metadata":{"resourceVersion":"5","generation":2},"status":{"conditions":[{"type":"Other","status":"True"}]}}""")).On(Native(version), Json("{}"));
        await _announcer.SetStatusAsync(new GroupObjectId(GroupKinds.NativePodGroup, "team", "g"), GangState.Unplaced, 0, "no room", Cancellation);

        await Server.RequestAsync(Native(version));
        var conditions = JsonNode.Parse((await Server.RequestAsync(Native(version))).Body)!["status"]!["conditions"]!.AsArray();
        Assert.Equal(["Other", type], conditions.Select(c => (string?)c!["type"]));
        Assert.Equal(("False", "Unschedulable", "no room", 2), ((string?)conditions[1]!["status"], (string?)conditions[1]!["reason"], (string?)conditions[1]!["message"], (int?)conditions[1]!["observedGeneration"]));

        // Once true, it stays.
        Server.On(Native(version), Json($$$"""{"metadata":{"resourceVersion":"6"},"status":{"conditions":[{"type":"{{{type}}}","status":"True"}]}}"""));
        await _announcer.SetStatusAsync(new GroupObjectId(GroupKinds.NativePodGroup, "team", "g"), GangState.Unplaced, 0, "no room", Cancellation);
        Assert.Equal("GET", (await Server.RequestAsync(Native(version))).Method);
        Assert.Equal(0, Server.Unseen(Native(version)));
    }

    [Fact]
    public void The_status_of_other_kinds_is_left_to_their_controllers() =>
        Assert.Equal([GroupKinds.CoschedulingPodGroup, GroupKinds.NativePodGroup], GroupKinds.All.Where(_announcer.HasStatus).Order(StringComparer.Ordinal).Reverse());

    private static string Native(string version) => $"/apis/scheduling.k8s.io/{version}/namespaces/team/podgroups/g/status";
}
