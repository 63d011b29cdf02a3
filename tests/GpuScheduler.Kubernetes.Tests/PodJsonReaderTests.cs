using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class PodJsonReaderTests
{
    private const string Full = """
        {
          "apiVersion": "v1", "kind": "Pod",
          "metadata": {
            "name": "train-0", "namespace": "team", "uid": "u-1", "resourceVersion": "5", "labels": {"a": "b"},
            "annotations": {
              "other.io/x": "y", "gpuscheduler.io/gpu-model": "A100|H100", "gpuscheduler.io/nvlink": "required",
              "gpuscheduler.io/assigned-devices": "[{\"gpu\":0,\"uuid\":\"GPU-a\"},{\"gpu\":3}]"
            },
            "managedFields": [{"fieldsV1": {"f:spec": {"f:nodeName": {}}}}],
            "ownerReferences": [{"name": "not-me", "uid": "not-me"}]
          },
          "spec": {
            "nodeName": "node-7", "schedulerName": "gpu-scheduler", "priority": 1000, "preemptionPolicy": "Never",
            "containers": [
              {"name": "main", "resources": {"limits": {"nvidia.com/gpu": 2, "example.com/other": "7"}, "requests": {"cpu": "1500m", "memory": "1Gi"}}},
              {"name": "side", "resources": {"requests": {"cpu": 0.5}}},
              {"name": "none"}
            ],
            "overhead": {"cpu": "250m", "memory": "16Mi"},
            "volumes": [{"name": "v"}]
          },
          "status": {"phase": "Running", "containerStatuses": [{"name": "main"}]}
        }
        """;

    [Fact]
    public void What_pending_pods_with_GPUs_ask_of_nodes_is_read_where_it_is_asked_for()
    {
        const string Selector = "\"nodeSelector\":{\"nvidia.com/gpu.product\":\"A\"},";
        Assert.Null(Demands("nvidia.com/gpu", "", demands: false));
        Assert.Equal("nvidia.com/gpu.product In (A); ; ", Demands("nvidia.com/gpu", "", demands: true)?.ToString());
        Assert.Null(Demands("nvidia.com/gpu", "\"nodeName\":\"n\",", demands: true));
        Assert.Null(Demands("example.com/other", "", demands: true));

        static NodeDemands? Demands(string resource, string node, bool demands) => PodJsonReader.Read(Encoding.UTF8.GetBytes(
            $$$$"""{"metadata":{"name":"a","uid":"u"},"spec":{ {{{{node}}}} {{{{Selector}}}} "containers":[{"resources":{"limits":{"{{{{resource}}}}":"1"}}}]}}"""), demands: demands).Demands;
    }

    [Fact]
    public void Everything_that_the_engine_needs_is_read()
    {
        var pod = Read(Full);

        Assert.Equal(("u-1", "team", "train-0"), (pod.Uid, pod.Namespace, pod.Name));
        Assert.Equal(("node-7", "gpu-scheduler", 1000, true), (pod.NodeName, pod.SchedulerName, pod.Priority, pod.NeverPreempts));
        Assert.Equal(2, pod.Request.WholeGpus);
        Assert.Equal(["A100", "H100"], pod.Request.Models);
        Assert.Equal(NvlinkRequirement.Required, pod.Request.Nvlink);
        Assert.Equal(2250, pod.CpuMilli);
        Assert.Equal((1024L + 16) * 1024 * 1024, pod.MemoryBytes);
        Assert.Equal([new AssignedDevice(0, "GPU-a"), new AssignedDevice(3)], pod.Assignment!.Devices);
        Assert.False(pod.IsTerminal);
        Assert.Null(pod.Invalid);
    }

    [Fact]
    public void Every_recorded_message_holds_pods_that_are_read()
    {
        foreach (var name in Fixtures.WireNames.Where(n => n.EndsWith(".request.json", StringComparison.Ordinal) && !n.StartsWith("bind", StringComparison.Ordinal)))
        {
            var message = JsonNode.Parse(Fixtures.Wire(name))!;
            var json = message["Pod"]!.ToJsonString();
            var pod = Read(json);

            Assert.Equal((string?)message["Pod"]!["metadata"]!["uid"], pod.Uid);
            Assert.Equal((string?)message["Pod"]!["metadata"]!["name"], pod.Name);
            Assert.Equal("gpu-scheduler", pod.SchedulerName);
            Assert.Equal(int.Parse((string)message["Pod"]!["spec"]!["containers"]![0]!["resources"]!["requests"]!["nvidia.com/gpu"]!, null), pod.Request.WholeGpus);
            Assert.Equal(4000, pod.CpuMilli);
            Assert.Equal(16L << 30, pod.MemoryBytes);
            Assert.Null(pod.NodeName);
        }
    }

    [Fact]
    public void A_pod_within_a_larger_text_is_read_and_the_reader_stands_on_its_end()
    {
        var json = new Utf8JsonReader(Fixtures.Wire("filter.nodeCacheCapable-true.request.json"));
        json.Read();
        json.Read();
        Assert.True(json.ValueTextEquals("Pod"u8));
        json.Read();

        Assert.Equal("cap-names-00000", PodJsonReader.Read(ref json).Name);
        Assert.Equal(JsonTokenType.EndObject, json.TokenType);
        Assert.Equal(1, json.CurrentDepth);
        json.Read();
        Assert.True(json.ValueTextEquals("Nodes"u8));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    public void A_pod_in_pieces_reads_like_one_in_a_piece(int size)
    {
        var json = new Utf8JsonReader(Pieces(Encoding.UTF8.GetBytes(Full), size));
        json.Read();

        Assert.Equal(Read(Full) with { Request = GpuRequest.None }, PodJsonReader.Read(ref json) with { Request = GpuRequest.None });
    }

    [Fact]
    public void A_pod_of_which_the_end_has_not_come_yet_is_a_JSON_fault()
    {
        var bytes = Encoding.UTF8.GetBytes(Full);
        for (var length = 1; length < bytes.Length; length += 3)
        {
            var end = length;
            Assert.Throws<JsonException>(() =>
            {
                var json = new Utf8JsonReader(bytes.AsSpan(0, end), isFinalBlock: false, default);
                json.Read();
                PodJsonReader.Read(ref json);
            });
        }
    }

    [Fact]
    public void What_a_pod_says_of_its_gang_is_read_wherever_it_stands()
    {
        var pod = Read("""
            {"metadata":{"name":"n","uid":"u","namespace":"ml","deletionTimestamp":"2026-11-02T08:00:00Z",
              "labels":{"app":"x","training.kubeflow.org/job-name":"j","training.kubeflow.org/replica-type":"worker","training.kubeflow.org/replica-index":"3"},
              "annotations":{"gpuscheduler.io/gang-min-members":"2","other":"x"},
              "ownerReferences":[{"kind":"Other","controller":false},{"kind":"PyTorchJob","controller":true},{"kind":"Third"}]},
             "spec":{"schedulingGates":[{"name":"a"},{"name":"b"}],"containers":[]}}
            """);
        Assert.Equal(new GangKey("ml", "pytorchjob", "j"), pod.Gang!.Key);
        Assert.Equal(("worker", 3L, 2, true), (pod.Gang.Role, pod.Gang.Index, pod.Gang.MinMembers, pod.Gang.IsOwned));
        Assert.Equal(new GroupObjectId(GroupKinds.PyTorchJob, "ml", "j"), pod.Gang.Object);
        Assert.Null(pod.Gang.Invalid);
        Assert.Equal(["a", "b"], pod.SchedulingGates);
        Assert.True(pod.IsTerminating);
    }

    [Theory]
    [InlineData("\"schedulingGroup\":{\"podGroupName\":\"g\",\"new\":{}}", "kubernetes", "g")]
    [InlineData("\"schedulingGroup\":null,\"workloadRef\":{\"podGroupReplicaKey\":\"0\",\"name\":\"w\",\"podGroup\":\"p\"}", "kubernetes-workload", "w:p:0")]
    public void A_reference_of_the_spec_is_read(string spec, string dialect, string name)
    {
        var pod = Read($$$"""{"metadata":{"name":"n","uid":"u"},"spec":{{{{spec}}}}}""");
        Assert.Equal(new GangKey("default", dialect, name), pod.Gang!.Key);
    }

    [Fact]
    public void Escaped_names_are_names()
    {
        Assert.Equal("g", Read("""{"metadata":{"name":"n","uid":"u","labels":{"scheduling.x\u002dk8s.io/pod-group":"g","\u00e4":"x"}}}""").Gang!.Key.Name);
        var pod = Read("""{"metadata":{"\u006eame":"n","uid":"u","annotations":{"gpuscheduler\u002eio/gpu-milli":"25\u0030"}},"spec":{"containers":[{"resources":{"requests":{"\u0063pu":"1"}}}]}}""");

        Assert.Equal("n", pod.Name);
        Assert.Equal(250, pod.Request.ShareMilli);
        Assert.Equal(1000, pod.CpuMilli);
    }

    [Fact]
    public void Null_counts_as_absent()
    {
        var pod = Read("""
            {"metadata":{"name":"n","uid":"u","namespace":null,"annotations":null},
             "spec":{"nodeName":null,"schedulerName":null,"priority":null,"preemptionPolicy":null,"overhead":null,"initContainers":null,
                     "containers":[null,{"resources":null},{"resources":{"limits":null,"requests":{"cpu":null}}}]},
             "status":null}
            """);

        Assert.Equal("default", pod.Namespace);
        Assert.Equal((0L, 0L, 0), (pod.CpuMilli, pod.MemoryBytes, pod.Priority));
        Assert.Null(pod.NodeName);
        Assert.False(Read("""{"metadata":{"name":"n","uid":"u"},"spec":null}""").IsTerminal);
    }

    [Theory]
    [InlineData("Succeeded", true)]
    [InlineData("Failed", true)]
    [InlineData("Pending", false)]
    [InlineData("Unknown", false)]
    public void The_phase_says_whether_it_has_ended(string phase, bool ended) =>
        Assert.Equal(ended, Read($$$"""{"metadata":{"name":"n","uid":"u"},"status":{"phase":"{{{phase}}}"}}""").IsTerminal);

    [Theory]
    [InlineData("""[]""", "the pod must be an object, and is an array")]
    [InlineData("""{"metadata":5}""", "metadata must be an object, and is another number")]
    [InlineData("""{"metadata":{"name":5}}""", "metadata.name must be a string")]
    [InlineData("""{"metadata":{"name":"n","uid":true}}""", "metadata.uid must be a string, and is a boolean")]
    [InlineData("""{"metadata":{"name":"n"}}""", "metadata.uid is missing")]
    [InlineData("""{"metadata":{"name":"n","uid":""}}""", "metadata.uid is missing")]
    [InlineData("""{"metadata":{"uid":"u"}}""", "metadata.name is missing")]
    [InlineData("""{"metadata":{"annotations":[]}}""", "metadata.annotations must be an object")]
    [InlineData("""{"metadata":{"annotations":{"gpuscheduler.io/gpu-milli":250}}}""", "metadata.annotations[gpuscheduler.io/gpu-milli] must be a string (put it in quotes)")]
    [InlineData("""{"spec":"x"}""", "spec must be an object")]
    [InlineData("""{"spec":{"nodeName":{}}}""", "spec.nodeName must be a string, and is an object")]
    [InlineData("""{"spec":{"priority":1.5}}""", "spec.priority must be a whole number")]
    [InlineData("""{"spec":{"priority":99999999999}}""", "spec.priority must be a whole number")]
    [InlineData("""{"spec":{"priority":"1"}}""", "spec.priority must be a whole number")]
    [InlineData("""{"spec":{"containers":{}}}""", "spec.containers must be an array")]
    [InlineData("""{"spec":{"containers":[5]}}""", "spec.containers must be an object")]
    [InlineData("""{"spec":{"containers":[{"resources":{"requests":{"cpu":true}}}]}}""", "spec.containers[].resources.requests must be a quantity")]
    [InlineData("""{"spec":{"initContainers":[{"resources":{"limits":[]}}]}}""", "spec.initContainers[].resources.limits must be an object")]
    [InlineData("""{"status":{"phase":1}}""", "status.phase must be a string")]
    [InlineData("""{"metadata":{"name":"n","uid":"u"}} x""", "x")]
    [InlineData("""{"metadata":{"name":"\ud800","uid":"u"}}""", "not valid Unicode")]
    [InlineData("", "")]
    public void A_fault_names_the_field(string json, string said) =>
        Assert.Contains(said, Assert.ThrowsAny<JsonException>(() => Read(json)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\"2026-01-05T10:20:30Z\"", "2026-01-05T10:20:30Z")]
    [InlineData("null", null)]
    [InlineData("\"yesterday\"", null)]
    [InlineData("{\"seconds\":[1]}", null)]
    public void When_it_was_made_is_read_and_what_is_no_time_is_not_known(string json, string? expected) => Assert.Equal(
        expected is null ? null : DateTimeOffset.Parse(expected, System.Globalization.CultureInfo.InvariantCulture),
        Read($$"""{"metadata":{"creationTimestamp":{{json}},"name":"n","uid":"u"},"spec":{"containers":[]} }""").Created);

    [Fact]
    public void In_files_the_name_can_stand_for_the_UID()
    {
        var json = """{"metadata":{"name":"n","namespace":"s"}}"""u8;

        Assert.Equal("s/n", PodJsonReader.Read(json, nameStandsForUid: true).Uid);
        Assert.Equal("u", PodJsonReader.Read("""{"metadata":{"name":"n","uid":"u"}}"""u8, nameStandsForUid: true).Uid);
    }

    [Fact]
    public void A_request_goes_before_a_limit_and_a_limit_stands_in_for_one()
    {
        Assert.Equal(1000, Read(Containers("""{"resources":{"requests":{"cpu":"1"},"limits":{"cpu":"2"}}}""")).CpuMilli);
        Assert.Equal(1000, Read(Containers("""{"resources":{"limits":{"cpu":"2"},"requests":{"cpu":"1"}}}""")).CpuMilli);
        Assert.Equal(2000, Read(Containers("""{"resources":{"limits":{"cpu":"2"}}}""")).CpuMilli);
    }

    [Theory]
    [InlineData("2", "", 2)]                   // no init containers
    [InlineData("2", "3", 3)]                  // an init container larger than the sum
    [InlineData("2 2", "3", 4)]                // and a smaller one
    [InlineData("1", "4 2", 4)]                // init containers run one after another
    [InlineData("2", "1S", 3)]                 // a sidecar stays
    [InlineData("2", "1S 5", 6)]               // and runs beside init containers after it
    [InlineData("2", "5 1S", 5)]               // but not before it
    [InlineData("2", "1S 1S 3 1S", 5)]         // all sidecars stay
    public void Init_containers_and_sidecars_count_by_the_rule_of_Kubernetes(string apps, string inits, int gpus)
    {
        static string Container(string text) =>
            $$$"""{{{{(text.EndsWith('S') ? "\"restartPolicy\":\"Always\"," : "")}}}"resources":{"limits":{"nvidia.com/gpu":"{{{text.TrimEnd('S')}}}"} } }""";
        var app = string.Join(',', apps.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Container));
        var init = string.Join(',', inits.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Container));

        foreach (var spec in (string[])[$"\"containers\":[{app}],\"initContainers\":[{init}]", $"\"initContainers\":[{init}],\"containers\":[{app}]"])
        {
            Assert.Equal(gpus, Read($$"""{"metadata":{"name":"n","uid":"u"},"spec":{{{spec}}} }""").Request.WholeGpus);
        }
    }

    [Fact]
    public void MIG_devices_and_shares_are_read()
    {
        var pod = Read(Containers("""{"resources":{"limits":{"nvidia.com/mig-1g.10gb":"2","nvidia.com/mig-3g.40gb":1}}}"""));
        Assert.Equal([new MigRequest("1g.10gb", 2), new MigRequest("3g.40gb", 1)], pod.Request.Mig);

        var share = Read("""{"metadata":{"name":"n","uid":"u","annotations":{"gpuscheduler.io/gpu-memory":"4Gi","gpuscheduler.io/gpu-count":"2"}}}""");
        Assert.Equal((4096, 2), (share.Request.ShareMemoryMiB, share.Request.ShareCount));
    }

    [Fact]
    public void A_quantity_that_cannot_be_is_told_to_the_owner_and_is_no_fault() =>
        Assert.Contains("nvidia.com/gpu", Read(Containers("""{"resources":{"limits":{"nvidia.com/gpu":"a few"}}}""")).Invalid, StringComparison.Ordinal);

    [Fact]
    public void Whatever_is_done_to_a_pod_only_JSON_faults_come_of_it()
    {
        var whole = Encoding.UTF8.GetBytes(Full);
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[1, 40]).Sample(
            (kind, at, value, length) =>
            {
                var changed = kind switch
                {
                    0 => whole[..at],
                    1 => [.. whole[..at], value, .. whole[(at + 1)..]],
                    2 => [.. whole[..at], .. whole[Math.Min(at + length, whole.Length)..]],
                    _ => [.. whole[..at], .. whole[(at / 2)..Math.Min((at / 2) + length, whole.Length)], .. whole[at..]],
                };
                try
                {
                    PodJsonReader.Read(changed);
                }
                catch (JsonException)
                {
                    // The only one allowed.
                }
            },
            iter: 20_000);
    }

    [Fact]
    public void A_pod_of_a_scheduler_call_costs_little_memory()
    {
        var message = JsonNode.Parse(Fixtures.Wire("filter.nodeCacheCapable-true.request.json"))!;
        var json = Encoding.UTF8.GetBytes(message["Pod"]!.ToJsonString());
        PodJsonReader.Read(json);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            PodJsonReader.Read(json);
        }

        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
        TestContext.Current.SendDiagnosticMessage($"{json.Length} bytes of JSON, {bytes} bytes allocated");
        Assert.InRange(bytes, 0, 2500);
    }

    [Fact]
    public void The_words_of_dialects_are_read_however_they_are_written_and_only_those_that_are_switched_on()
    {
        const string Pod = """{"metadata":{"name":"n","uid":"u","annotations":{"gpu\u002dfraction":"0.25","gpu-fraction-x":"no","hami.io/other":{}}},"spec":{"containers":[{"name":"c"}]}}""";
        var json = Encoding.UTF8.GetBytes(Pod.Replace("{}", "\"\"", StringComparison.Ordinal));
        Assert.Equal((1, 250, 250), (PodJsonReader.Read(json).Request.ShareCount, PodJsonReader.Read(json).Request.ShareMemoryPermille, PodJsonReader.Read(json).Request.ShareMilli));
        Assert.False(PodJsonReader.Read(json, dialects: DialectSet.None).Request.WantsGpu);
        Assert.False(PodJsonReader.Read(json, dialects: new DialectSet([ShareDialects.Hami], [])).Request.WantsGpu);
    }

    private static PodInfo Read(string json) => PodJsonReader.Read(Encoding.UTF8.GetBytes(json));

    private static string Containers(string container) => $$"""{"metadata":{"name":"n","uid":"u"},"spec":{"containers":[{{container}}]} }""";

    private static ReadOnlySequence<byte> Pieces(byte[] bytes, int size)
    {
        var first = new Piece(bytes.AsMemory(0, Math.Min(size, bytes.Length)), 0);
        var last = first;
        for (var at = size; at < bytes.Length; at += size)
        {
            last = last.Append(bytes.AsMemory(at, Math.Min(size, bytes.Length - at)));
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Piece Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Piece(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
