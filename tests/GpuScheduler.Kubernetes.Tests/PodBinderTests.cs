using System.Net;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class PodBinderTests : ApiServerTests
{
    private const string Pod = "/api/v1/namespaces/team/pods/train-0";
    private const string Binding = Pod + "/binding";

    private static readonly DeviceAssignment s_devices = new([new AssignedDevice(0, "GPU-a"), new AssignedDevice(3, "GPU-b")]);

    [Fact]
    public async Task The_node_and_the_devices_go_in_one_write()
    {
        Server.On(Binding, Status(201, "Created"));

        Assert.Equal(BindOutcome.Bound, await BindAsync());
        var request = await Server.RequestAsync(Binding);
        Assert.Equal("POST", request.Method);
        Assert.Equal("Bearer secret", request.Authorization);
        var expected = JsonNode.Parse("""
            {"apiVersion":"v1","kind":"Binding",
             "metadata":{"name":"train-0","namespace":"team","uid":"u-1","annotations":{
               "gpuscheduler.io/assigned-devices":"[{\"gpu\":0,\"uuid\":\"GPU-a\"},{\"gpu\":3,\"uuid\":\"GPU-b\"}]",
               "gpuscheduler.io/visible-devices":"GPU-a,GPU-b"}},
             "target":{"apiVersion":"v1","kind":"Node","name":"node-7"}}
            """);
        Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(request.Body)), request.Body);
    }

    [Fact]
    public async Task What_a_device_plugin_reads_goes_in_the_same_write()
    {
        Server.On(Binding, Status(201, "Created"));

        Assert.Equal(BindOutcome.Bound, await BindAsync(contract: new PluginContract([new("ALIYUN_COM_GPU_MEM_IDX", "0"), new("quoted", "\"\\")])));
        var annotations = JsonNode.Parse((await Server.RequestAsync(Binding)).Body)!["metadata"]!["annotations"]!.AsObject();
        Assert.Equal(["gpuscheduler.io/assigned-devices", "gpuscheduler.io/visible-devices", "ALIYUN_COM_GPU_MEM_IDX", "quoted"], annotations.Select(a => a.Key));
        Assert.Equal(("0", "\"\\"), ((string?)annotations["ALIYUN_COM_GPU_MEM_IDX"], (string?)annotations["quoted"]));
    }

    [Fact]
    public async Task Without_devices_nothing_is_written_beside_the_node()
    {
        Server.On(Binding, Status(201, "Created"));

        Assert.True((await BindAsync(DeviceAssignment.Empty)).IsBound);
        Assert.Null(JsonNode.Parse((await Server.RequestAsync(Binding)).Body)!["metadata"]!["annotations"]);
    }

    [Fact]
    public async Task Devices_that_have_no_name_for_a_container_are_not_listed_as_visible()
    {
        Server.On(Binding, Status(201, "Created"));

        await BindAsync(new DeviceAssignment([new AssignedDevice(0, Mig: new MigPlacement("1g.10gb", 0, 1))]));
        Assert.Equal([GpuAnnotations.AssignedDevices], JsonNode.Parse((await Server.RequestAsync(Binding)).Body)!["metadata"]!["annotations"]!.AsObject().Select(a => a.Key));
    }

    [Theory]
    [InlineData(404, "NotFound")]
    [InlineData(400, "BadRequest")]
    [InlineData(422, "Invalid")]
    [InlineData(429, "TooManyRequests")]
    public async Task What_theServer_refuses_is_rejected(int code, string reason)
    {
        Server.On(Binding, Status(code, reason));

        var outcome = await BindAsync();
        Assert.Equal(BindOutcomeKind.Rejected, outcome.Kind);
        Assert.Contains("said the test", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_for_want_of_rights_says_which_rule_to_add()
    {
        Server.On(Binding, Status(403, "Forbidden"));

        Assert.Contains("resources: [\"pods/binding\"], verbs: [create]", (await BindAsync()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(409)]
    [InlineData(500)]
    [InlineData(504)]
    [InlineData(0)]
    public async Task A_bind_that_took_place_after_all_is_bound(int code)
    {
        Server.On(Binding, code == 0 ? Break() : Status(code, "Conflict")).On(Pod, Json(PodJson("node-7", s_devices)));

        Assert.Equal(BindOutcome.Bound, await BindAsync());
    }

    [Theory]
    [InlineData(409)]
    [InlineData(500)]
    public async Task A_pod_that_is_bound_otherwise_is_rejected(int code)
    {
        Server.On(Binding, Status(code, "Conflict")).On(Pod, Json(PodJson("node-9", s_devices)));
        Assert.Equal(BindOutcome.Rejected("pod is already bound to node node-9"), await BindAsync());

        Server.On(Binding, Status(code, "Conflict")).On(Pod, Json(PodJson("node-7", new DeviceAssignment([new AssignedDevice(5)]))));
        Assert.Equal(BindOutcome.Rejected("pod is already bound to node node-7, and not with these devices"), await BindAsync());

        Server.On(Binding, Status(code, "Conflict")).On(Pod, Json(PodJson("node-7", null)));
        Assert.Equal(BindOutcomeKind.Rejected, (await BindAsync()).Kind);

        Server.On(Binding, Status(code, "Conflict")).On(Pod, Json(PodJson("node-7", s_devices, uid: "u-2")));
        Assert.Equal(BindOutcome.Rejected("pod was recreated"), await BindAsync());

        Server.On(Binding, Status(code, "Conflict")).On(Pod, Status(404, "NotFound"));
        Assert.Equal(BindOutcome.Rejected("pod is gone"), await BindAsync());
    }

    [Fact]
    public async Task A_conflict_on_a_pod_without_a_node_is_rejected()
    {
        Server.On(Binding, Status(409, "Conflict", "pod is being deleted")).On(Pod, Json(PodJson(null, null)));

        var outcome = await BindAsync();
        Assert.Equal(BindOutcomeKind.Rejected, outcome.Kind);
        Assert.Contains("pod is being deleted", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lost_answer_on_a_pod_without_a_node_is_settled_by_a_second_post()
    {
        Server.On(Binding, Break()).On(Pod, Json(PodJson(null, null))).On(Binding, Status(201, "Created"));

        Assert.Equal(BindOutcome.Bound, await BindAsync());
    }

    [Fact]
    public async Task A_first_post_that_lands_late_makes_the_second_conflict_and_is_bound()
    {
        Server.On(Binding, Break()).On(Pod, Json(PodJson(null, null))).On(Binding, Status(409, "Conflict")).On(Pod, Json(PodJson("node-7", s_devices)));

        Assert.Equal(BindOutcome.Bound, await BindAsync());
    }

    [Fact]
    public async Task A_pod_whose_fate_cannot_be_learnt_is_unknown()
    {
        Server.On(Binding, Break()).On(Pod, Status(500, "InternalError"));
        Assert.Equal(BindOutcomeKind.Unknown, (await BindAsync()).Kind);

        Server.On(Binding, Break()).On(Pod, Json(PodJson(null, null))).On(Binding, Break()).On(Pod, Json(PodJson(null, null)));
        Assert.Equal(BindOutcomeKind.Unknown, (await BindAsync()).Kind);

        Server.On(Binding, Status(409, "Conflict")).On(Pod, Break());
        Assert.Equal(BindOutcomeKind.Unknown, (await BindAsync()).Kind);

        Server.On(Binding, Break()).On(Pod, Json(PodJson(null, null))).On(Binding, Status(403, "Forbidden")).On(Pod, Json(PodJson(null, null)));
        Assert.Equal(BindOutcomeKind.Unknown, (await BindAsync()).Kind);
    }

    [Fact]
    public async Task AServer_that_does_not_answer_in_time_is_asked_for_the_outcome()
    {
        using var connection = Server.Connect(callTimeout: TimeSpan.FromMilliseconds(300));
        Server.On(Binding, LinesThenSilence()).On(Pod, Json(PodJson("node-7", s_devices)));

        Assert.Equal(BindOutcome.Bound, await BindAsync(connection: connection));
    }

    [Fact]
    public async Task AServer_that_is_not_there_rejects_because_nothing_was_sent()
    {
        using var nobody = new KubernetesConnection(new k8s.KubernetesClientConfiguration { Host = "http://127.0.0.1:1" });

        var outcome = await BindAsync(connection: nobody);
        Assert.Equal(BindOutcomeKind.Rejected, outcome.Kind);
        Assert.Contains("no answer from the API server at http://127.0.0.1:1/", outcome.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_bind_is_unknown_and_one_cancelled_before_it_began_is_rejected()
    {
        using var cancel = new CancellationTokenSource();
        var binding = BindAsync(cancellationToken: cancel.Token);
        await Server.RequestAsync(Binding);
        await cancel.CancelAsync();

        Assert.Equal(BindOutcomeKind.Unknown, (await binding).Kind);
        Assert.Equal(BindOutcomeKind.Rejected, (await BindAsync(cancellationToken: cancel.Token)).Kind);
    }

    [Fact]
    public async Task A_pod_is_got_or_absent_or_the_fault_is_told()
    {
        var binder = Binder(Connection);
        Server.On(Pod, Json(PodJson("node-7", s_devices))).On(Pod, Status(404, "NotFound")).On(Pod, Status(403, "Forbidden")).On(Pod, Json("{}"));

        Assert.Equal("node-7", (await binder.GetPodAsync("team", "train-0", TestContext.Current.CancellationToken))!.NodeName);
        Assert.Null(await binder.GetPodAsync("team", "train-0", TestContext.Current.CancellationToken));
        var forbidden = await Assert.ThrowsAsync<KubernetesApiException>(() => binder.GetPodAsync("team", "train-0", TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.Forbidden, forbidden.Status);
        Assert.Contains("resources: [\"pods\"], verbs: [get]", forbidden.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<KubernetesApiException>(() => binder.GetPodAsync("team", "train-0", TestContext.Current.CancellationToken));
    }

    private static PodBinder Binder(KubernetesConnection connection) => new(connection, new RecordingLogger<PodBinder>());

    private static string PodJson(string? node, DeviceAssignment? devices, string uid = "u-1") => new JsonObject
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = "train-0",
            ["namespace"] = "team",
            ["uid"] = uid,
            ["annotations"] = devices is null ? null : new JsonObject { [GpuAnnotations.AssignedDevices] = devices.ToAnnotation() },
        },
        ["spec"] = new JsonObject { ["nodeName"] = node },
    }.ToJsonString();

    private Task<BindOutcome> BindAsync(DeviceAssignment? devices = null, KubernetesConnection? connection = null, CancellationToken? cancellationToken = null, PluginContract? contract = null) =>
        Binder(connection ?? Connection).BindAsync("team", "train-0", "u-1", "node-7", devices ?? s_devices, contract ?? PluginContract.None, cancellationToken ?? TestContext.Current.CancellationToken);
}
