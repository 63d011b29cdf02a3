using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class SnapshotFileTests : IDisposable
{
    private const string Yaml = """
        apiVersion: v1
        items:
        - apiVersion: v1
          kind: Node
          metadata:
            annotations:
              note: |
                several lines
                kind: Pod
            labels:
              nvidia.com/gpu.count: "8"
              nvidia.com/gpu.present: "true"
              nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3
            name: node-a
          status:
            allocatable:
              cpu: "96"
              memory: 1056255368Ki
              nvidia.com/gpu: "8"
        - apiVersion: v1
          kind: Pod
          metadata:
            annotations:
              gpuscheduler.io/assigned-devices: '[{"gpu":3}]'
            name: pod-a
            namespace: team
            uid: 2a2f867e-aed7-4402-b4cc-9339b18e42a1
          spec:
            containers:
            - name: main
              resources:
                limits:
                  nvidia.com/gpu: 1
                requests:
                  cpu: 1500m
                  memory: 1e9
                  nvidia.com/gpu: 1
            nodeName: node-a
            priority: -5
          status:
            phase: Running
        - apiVersion: v1
          kind: Pod
          metadata:
            name: pod-b
            namespace: team
          spec:
            containers: []
        - apiVersion: gpuscheduler.io/v1
          kind: GpuNode
          metadata:
            name: node-a
          spec:
            gpus:
            - index: 0
              uuid: GPU-a
        - apiVersion: v1
          kind: Service
          metadata:
            name: ignored
        kind: List
        metadata:
          resourceVersion: ""
        """;

    private const string Json = """
        {"apiVersion":"v1","items":[
          {"apiVersion":"v1","kind":"Node","metadata":{"name":"node-a","labels":{"nvidia.com/gpu.count":"8","nvidia.com/gpu.present":"true","nvidia.com/gpu.product":"NVIDIA-H100-80GB-HBM3"}},
           "status":{"allocatable":{"cpu":"96","memory":"1056255368Ki","nvidia.com/gpu":"8"}}},
          {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-a","namespace":"team","uid":"2a2f867e-aed7-4402-b4cc-9339b18e42a1","annotations":{"gpuscheduler.io/assigned-devices":"[{\"gpu\":3}]"}},
           "spec":{"containers":[{"resources":{"limits":{"nvidia.com/gpu":1},"requests":{"cpu":"1500m","memory":"1e9","nvidia.com/gpu":1}}}],"nodeName":"node-a","priority":-5},"status":{"phase":"Running"}},
          {"apiVersion":"v1","kind":"Pod","metadata":{"name":"pod-b","namespace":"team"},"spec":{"containers":[]}},
          {"apiVersion":"gpuscheduler.io/v1","kind":"GpuNode","metadata":{"name":"node-a"},"spec":{"gpus":[{"index":0,"uuid":"GPU-a"}]}},
          {"apiVersion":"v1","kind":"Service","metadata":{"name":"ignored"}}
        ],"kind":"List","metadata":{"resourceVersion":""}}
        """;

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(Yaml)]
    [InlineData(Json)]
    [InlineData("\n\uFEFF" + Yaml)]
    public void What_kubectl_writes_is_read(string text)
    {
        var contents = Load(text.TrimStart('\n'));

        var node = Assert.Single(contents.Nodes);
        Assert.Equal(("node-a", "true", "8"), (node.Name, node.Labels["nvidia.com/gpu.present"], node.Allocatable["nvidia.com/gpu"]));
        Assert.Equal(["2a2f867e-aed7-4402-b4cc-9339b18e42a1", "team/pod-b"], contents.Pods.Select(p => p.Uid));
        var pod = contents.Pods[0];
        Assert.Equal((1, 1500L, 1_000_000_000L, -5, "node-a"), (pod.Request.WholeGpus, pod.CpuMilli, pod.MemoryBytes, pod.Priority, pod.NodeName));
        Assert.Equal(3, Assert.Single(pod.Assignment!.Devices).Gpu);
        Assert.Equal("GPU-a", contents.Reports["node-a"].Gpus[0].Uuid);
        Assert.Equal(1, contents.Ignored["Service"]);
    }

    [Fact]
    public void YAML_and_JSON_of_the_same_content_give_equal_objects()
    {
        var (yaml, json) = (Load(Yaml), Load(Json));

        Assert.Equal(
            json.Pods.Select(p => p with { Request = Core.Requests.GpuRequest.None }),
            yaml.Pods.Select(p => p with { Request = Core.Requests.GpuRequest.None }));
        Assert.Equal(json.Pods.Select(p => p.Request.WholeGpus), yaml.Pods.Select(p => p.Request.WholeGpus));
        Assert.Equal(json.Nodes[0].Labels, yaml.Nodes[0].Labels);
        Assert.Equal(json.Nodes[0].Allocatable, yaml.Nodes[0].Allocatable);
    }

    [Fact]
    public void It_fills_a_cluster_state()
    {
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());

        Load(Yaml).ApplyTo(state);

        var node = state.Current.Find("node-a")!;
        Assert.Single(node.Facts.Gpus);
        Assert.Equal("team/pod-a", Assert.Single(node.Allocations).Pod.ToString());
    }

    [Fact]
    public void Documents_of_single_objects_are_read()
    {
        var contents = Load("""
            # by hand
            ---
            kind: Node
            metadata: {name: a, labels: {nvidia.com/gpu.count: '8'}}
            ---
            ---
            kind: Pod
            metadata: {name: p, uid: "7"}
            ...
            ---
            kind: NodeList
            items:
            - metadata: {name: b}
            - metadata: {name: c}
            """);

        Assert.Equal(["a", "b", "c"], contents.Nodes.Select(n => n.Name));
        Assert.Equal("7", Assert.Single(contents.Pods).Uid);
    }

    [Fact]
    public void Lists_of_one_kind_need_no_kind_in_their_items()
    {
        Assert.Equal(["a", "b"], Load("""{"kind":"NodeList","items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}""").Nodes.Select(n => n.Name));
        Assert.Equal(["a"], Load("""{"items":[{"metadata":{"name":"a"}}],"kind":"NodeList"} {"kind":"Pod","metadata":{"name":"p"}}""").Nodes.Select(n => n.Name));
    }

    [Fact]
    public void Aliases_stand_for_what_they_name()
    {
        var contents = Load("""
            kind: List
            common: &labels
              nvidia.com/gpu.product: &product NVIDIA-L4
              nvidia.com/gpu.count: "2"
            items:
            - kind: Node
              metadata: {name: a, labels: *labels}
              status: &status
                allocatable:
                  nvidia.com/gpu: &two 2
            - kind: Node
              metadata: {name: b, labels: {nvidia.com/gpu.product: *product}}
              status: *status
            - kind: Node
              metadata: {name: c}
              status: {allocatable: {nvidia.com/gpu: *two}}
            """);

        Assert.Equal(["NVIDIA-L4", "NVIDIA-L4"], contents.Nodes.Take(2).Select(n => n.Labels["nvidia.com/gpu.product"]));
        Assert.Equal(["2", "2", "2"], contents.Nodes.Select(n => n.Allocatable["nvidia.com/gpu"]));
    }

    [Theory]
    [InlineData("1", "1")]
    [InlineData("0x10", "16")]
    [InlineData("0o17", "15")]
    [InlineData("+12", "12")]
    [InlineData("012", "12")]
    [InlineData(".5", "0.5")]
    [InlineData("5.", "5")]
    [InlineData("-0.5e+3", "-0.5e+3")]
    [InlineData("1.50", "1.50")]
    [InlineData("\"7\"", "7")]
    [InlineData("'7'", "7")]
    [InlineData("100m", "100m")]
    [InlineData("16Gi", "16Gi")]
    [InlineData("0xZZ", "0xZZ")]
    [InlineData("1_000", "1_000")]
    [InlineData("!!str 5", "5")]
    public void Scalars_are_typed_as_kubectl_means_them(string written, string quantity) =>
        Assert.Equal(quantity, Load($"kind: Node\nmetadata: {{name: a}}\nstatus:\n  allocatable:\n    cpu: {written}\n").Nodes[0].Allocatable["cpu"]);

    [Theory]
    [InlineData("null")]
    [InlineData("~")]
    [InlineData("")]
    public void Null_is_absence(string written) =>
        Assert.Empty(Load($"kind: Node\nmetadata:\n  name: a\n  labels: {written}\n").Nodes[0].Labels);

    [Theory]
    [InlineData("kind: Node\nmetadata:\n  name: a\n  labels:\n    nvidia.com/gpu.present: true\n", ":1: this Node cannot be read: metadata.labels must be a string, and is a boolean")]
    [InlineData("kind: List\nitems:\n- kind: Node\n  metadata: {name: a}\n- kind: Node\n  metadata: {name: 5}\n", ":5: this Node cannot be read: metadata.name must be a string")]
    [InlineData("{\"kind\":\"List\",\"items\":[\n{\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}},\n\n{\"kind\":\"Pod\",\"metadata\":{\"name\":[]}}]}", ":4: this Pod cannot be read: metadata.name must be a string")]
    [InlineData("kind: GpuNode\nmetadata: {name: n}\nspec: {gpus: [{index: 1}]}\n", ":1: the report of node n cannot be used: GPU index 1")]
    [InlineData("kind: List\nitems:\n- kind: Node\n  metadata: {name: a}\n- kind: Node\n  metadata: {name: a}\n", ":5: node a is in the file twice")]
    [InlineData("kind: List\nitems:\n- metadata: {name: a}\n", ":3: an object without a kind")]
    [InlineData("metadata: {name: a}\n", ":1: an object without a kind")]
    [InlineData("items:\n- 5\n", ":2: the object must be an object with a kind")]
    [InlineData("kind: [\n", "it is not YAML as kubectl writes it")]
    [InlineData("kind: Node\n  x: y\n z\n", "it is not YAML as kubectl writes it")]
    [InlineData("just words\n", ":1: it is not YAML as kubectl writes it: an object")]
    [InlineData("kind: Node\nmetadata: *nowhere\n", ":2: it is not YAML as kubectl writes it: the alias *nowhere has no anchor")]
    [InlineData("kind: Node\nx: &a\n  <<: {y: z}\n", ":3: it is not YAML as kubectl writes it: merge keys (<<) are not read")]
    [InlineData("kind: Node\n? {a: b}\n: c\n", "the name of a field must be plain text")]
    [InlineData("{\"kind\":\"List\",\n\"items\":[}", ":2: it is not JSON")]
    [InlineData("{\"kind\":7}", "kind must be a string")]
    [InlineData("{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}}", "has no nodes in it (1 other objects): write it with: kubectl get nodes,pods,gpunodes -A -o yaml")]
    [InlineData("", "has no nodes in it (0 other objects)")]
    [InlineData("\u0001\u0002", "it is not YAML")]
    public void A_fault_names_the_file_the_line_and_what_to_change(string text, string said)
    {
        var fault = Assert.Throws<InvalidSnapshotException>(() => Load(text));

        Assert.StartsWith(_path, fault.Message, StringComparison.Ordinal);
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_does_not_exist_is_named() =>
        Assert.Contains("/no/such/file.yaml does not exist", Assert.Throws<InvalidSnapshotException>(() => SnapshotFile.Load("/no/such/file.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_blows_up_by_aliases_or_depth_is_refused()
    {
        var lines = new List<string> { "kind: Node", "metadata:", "  name: a", "  x0: &x0 [aaaaaaaaaa,aaaaaaaaaa,aaaaaaaaaa]" };
        for (var i = 1; i < 30; i++)
        {
            lines.Add($"  x{i}: &x{i} [*x{i - 1},*x{i - 1},*x{i - 1},*x{i - 1}]");
        }

        Assert.Contains("too large", Assert.Throws<InvalidSnapshotException>(() => Load(string.Join('\n', lines))).Message, StringComparison.Ordinal);
        Assert.Contains("too deeply", Assert.Throws<InvalidSnapshotException>(() => Load("kind: Node\nx: " + new string('[', 500) + new string(']', 500))).Message, StringComparison.Ordinal);
    }

    private ClusterSnapshotContents Load(string text)
    {
        File.WriteAllText(_path, text);
        return SnapshotFile.Load(_path);
    }
}
