using System.Text;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class PodReleaserTests : ApiServerTests
{
    private const string Path = "/api/v1/namespaces/team/pods/train-0";

    [Fact]
    public async Task The_gate_goes_and_the_node_comes_in_one_patch_of_the_version_that_was_read()
    {
        var patch = await PatchAsync(Pod("""[{"name":"gpuscheduler.io/gang"}]"""), "n7");

        Assert.True(JsonNode.DeepEquals(patch, JsonNode.Parse("""
            {"metadata":{"uid":"u-1","resourceVersion":"42","annotations":{"gpuscheduler.io/planned-node":"n7"}},
             "spec":{"schedulingGates":[],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
               {"matchFields":[{"key":"metadata.name","operator":"In","values":["n7"]}]}]}}}}}
            """)), patch!.ToJsonString());
    }

    [Fact]
    public async Task Gates_of_others_stay_and_every_term_is_narrowed()
    {
        var patch = await PatchAsync(Pod("""[{"name":"a/b"},{"name":"gpuscheduler.io/gang"},{"name":"c/d"}]""", """
            ,"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
              {"matchExpressions":[{"key":"x","operator":"Exists"}]},{"matchFields":[{"key":"metadata.name","operator":"NotIn","values":["n1"]}]}]}}}
            """), "n7");

        Assert.True(JsonNode.DeepEquals(patch!["spec"], JsonNode.Parse("""
            {"schedulingGates":[{"name":"a/b"},{"name":"c/d"}],"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
              {"matchExpressions":[{"key":"x","operator":"Exists"}],"matchFields":[{"key":"metadata.name","operator":"In","values":["n7"]}]},
              {"matchFields":[{"key":"metadata.name","operator":"NotIn","values":["n1"]},{"key":"metadata.name","operator":"In","values":["n7"]}]}]}}}}
            """)), patch.ToJsonString());
    }

    [Fact]
    public async Task Without_a_node_only_the_gate_goes()
    {
        var patch = await PatchAsync(Pod("""[{"name":"gpuscheduler.io/gang"}]"""), null);

        Assert.True(JsonNode.DeepEquals(patch, JsonNode.Parse("""{"metadata":{"uid":"u-1","resourceVersion":"42"},"spec":{"schedulingGates":[]}}""")));
    }

    [Theory]
    [InlineData("u-2", """[{"name":"gpuscheduler.io/gang"}]""")]
    [InlineData("u-1", """[{"name":"a/b"}]""")]
    [InlineData("u-1", "[]")]
    public async Task Another_pod_and_one_without_the_gate_are_left_alone(string uid, string gates)
    {
        Server.On(Path, Json(Pod(gates, uid: uid)));

        await ReleaseAsync("n7");
        Assert.Equal("GET", (await Server.RequestAsync(Path)).Method);
        Assert.Equal(0, Server.Unseen(Path));
    }

    [Fact]
    public async Task A_pod_that_is_gone_is_no_fault_and_a_conflict_and_a_missing_right_are_said()
    {
        Server.On(Path, Status(404, "NotFound"));
        await ReleaseAsync("n7");

        Server.On(Path, Json(Pod("""[{"name":"gpuscheduler.io/gang"}]"""))).On(Path, Status(409, "Conflict"));
        Assert.Contains("409", (await Assert.ThrowsAsync<KubernetesApiException>(() => ReleaseAsync("n7"))).Message, StringComparison.Ordinal);

        Server.On(Path, Json(Pod("""[{"name":"gpuscheduler.io/gang"}]"""))).On(Path, Status(403, "Forbidden"));
        Assert.Contains("resources: [\"pods\"], verbs: [patch]", (await Assert.ThrowsAsync<KubernetesApiException>(() => ReleaseAsync("n7"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_member_asks_of_nodes_is_the_same_before_and_after_the_release()
    {
        const string Term = """
            "matchExpressions":[{"key":"nvidia.com/gpu.product","operator":"In","values":["A"]}]
            """;
        var before = Read($$$$""","affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{ {{{{Term}}}} }]}}}""");
        var after = Read($$$$""","affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{ {{{{Term}}}} ,"matchFields":[{"key":"metadata.name","operator":"In","values":["n7"]}]}]}}}""", "n7");

        Assert.Equal("n7", after.PlannedNode);
        Assert.Null(before.PlannedNode);
        Assert.Equal(before.Demands, after.Demands);
        Assert.Null(before.Demands!.Unjudged);
        Assert.Equal(Read("").Demands, Read(""","affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["n7"]}]}]}}}""", "n7").Demands);
    }

    [Theory]
    [InlineData(""","nodeSelector":{"nvidia.com/gpu.product":"A"}""", true, false, false)]
    [InlineData(""","nodeSelector":{"nvidia.com/gpu.product":"B"}""", false, false, false)]
    [InlineData(""","nodeSelector":{"team.example/pool":"x"}""", true, false, true)]
    [InlineData(""","tolerations":[{"key":"gpu","operator":"Exists"}]""", true, true, false)]
    [InlineData(""","tolerations":[{"operator":"Exists"}]""", true, true, false)]
    [InlineData(""","tolerations":[{"key":"gpu","value":"other"}]""", true, false, false)]
    [InlineData(""","affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"nvidia.com/gpu.product","operator":"NotIn","values":["A"]}]},{"matchExpressions":[{"key":"nvidia.com/gpu.count","operator":"Gt","values":["4"]}]}]}}}""", true, false, false)]
    [InlineData(""","volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}]""", true, false, true)]
    [InlineData(""","affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"h"}]}}""", true, false, true)]
    public void Demands_are_judged_as_kube_scheduler_judges_them(string spec, bool onPlain, bool onTainted, bool isUnjudged)
    {
        var demands = Read(spec).Demands!;

        Assert.Equal(onPlain, demands.Allows(Node("")));
        Assert.Equal(onTainted, demands.Allows(Node(""","spec":{"taints":[{"key":"gpu","value":"yes","effect":"NoSchedule"},{"key":"soft","effect":"PreferNoSchedule"}]}""")));
        Assert.Equal(isUnjudged, demands.Unjudged is not null);
    }

    [Fact]
    public void A_cordoned_node_is_not_allowed() => Assert.False(Read("").Demands!.Allows(Node(""","spec":{"unschedulable":true}""")));

    private static NodeFacts Node(string more) => NodeFactsBuilder.Build(
        NodeJsonReader.Read(Encoding.UTF8.GetBytes($$$"""{"metadata":{"name":"n","labels":{"nvidia.com/gpu.product":"A","nvidia.com/gpu.count":"8"}}{{{more}}} }""")), null);

    private static PodInfo Read(string spec, string? planned = null) => PodJsonReader.Read(Encoding.UTF8.GetBytes(
        $$$$"""{"metadata":{"name":"a","uid":"u","annotations":{"gpuscheduler.io/gang-name":"g"{{{{(planned is null ? "" : $",\"gpuscheduler.io/planned-node\":\"{planned}\"")}}}} }},"spec":{"containers":[]{{{{spec}}}} }}"""));

    private static string Pod(string gates, string more = "", string uid = "u-1") =>
        $$$"""{"metadata":{"name":"train-0","namespace":"team","uid":"{{{uid}}}","resourceVersion":"42"},"spec":{"schedulingGates":{{{gates}}}{{{more}}} }}""";

    private async Task<JsonNode?> PatchAsync(string pod, string? node)
    {
        Server.On(Path, Json(pod)).On(Path, Json(pod));
        await ReleaseAsync(node);
        Assert.Equal("GET", (await Server.RequestAsync(Path)).Method);
        var request = await Server.RequestAsync(Path);
        Assert.Equal("PATCH", request.Method);
        return JsonNode.Parse(request.Body);
    }

    private Task ReleaseAsync(string? node) => new PodReleaser(Connection).ReleaseAsync(
        new GangRelease(new PodInfo { Uid = "u-1", Namespace = "team", Name = "train-0", Request = GpuRequest.None }, node), TestContext.Current.CancellationToken);
}
