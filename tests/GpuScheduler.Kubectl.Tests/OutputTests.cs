using System.Net;
using System.Text.Json;
using Xunit;

namespace GpuScheduler.Kubectl.Tests;

/// <summary>What is shown, to the letter.</summary>
public sealed class OutputTests : IAsyncLifetime
{
    private const string Places = """[{"pod":"train-0","node":"n1","devices":[{"gpu":0},{"gpu":1}]},{"pod":"train-1","node":"n2","devices":[{"gpu":2,"mig":"1g.10gb","start":4,"size":1}]}]""";

    private StandInCluster _cluster = null!;

    public async ValueTask InitializeAsync() => _cluster = await StandInCluster.StartAsync();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Nodes()
    {
        _cluster.Service("/v1/nodes", """
            {"nodes":[
              {"name":"n2","product":"A100","gpus":8,"freeGpus":0,"usedGpus":0,"unhealthyGpus":0,"freeMilli":0,"source":"label","mig":{"1g.10gb":{"allocatable":7,"free":3}},"conflict":true,"warningCount":2},
              {"name":"n1","product":"H100","gpus":8,"freeGpus":5,"usedGpus":2,"unhealthyGpus":1,"freeMilli":5250,"source":"report","closed":true},
              {"name":"cpu","gpus":0}]}
            """);

        await ShowsAsync("""
            NODE   PRODUCT   GPUS   FREE   USED   UNHEALTHY   MIG FREE      SHARE LEFT   SOURCE   NOTES
            n1     H100      8      5      2      1                         5.25         report   closed
            n2     A100      8      0      0      0           1g.10gb:3/7   0            label    conflict: two pods hold one device, 2 warnings
            1 node without GPUs

            """, 0, "nodes");
    }

    [Fact]
    public async Task Topology()
    {
        _cluster.Service("/v1/nodes/n1", """
            {"name":"n1","product":"V100","nvlinkDomain":null,
             "devices":[{"gpu":0,"numaNode":0,"healthy":true,"use":"whole","mig":"disabled"},{"gpu":1,"numaNode":0,"healthy":true,"use":"shared","freeMemoryMiB":4096,"mig":"disabled"},
                        {"gpu":2,"numaNode":1,"healthy":false,"healthReason":"XID 79","use":"idle","mig":"disabled"}],
             "nvlinkGBps":[[0,50,0],[50,0,0],[0,0,0]],"pcie":[["self","single","system"],["single","self","node"],["system","node","self"]],
             "allocations":[{"pod":"ml/a","state":"bound","devices":[{"gpu":0}]},{"pod":"ml/b","state":"planned","devices":[{"gpu":1,"memoryMiB":2048}]}]}
            """);

        await ShowsAsync("""
            n1: 3 GPUs V100
            NUMA node 0
             ├─ GPU 0  whole                   ml/a
             └─ GPU 1  shared, 4096 MiB left   ml/b 2048 MiB (planned)
            NUMA node 1
             └─ GPU 2  UNHEALTHY (XID 79)
            NVLink: GPUs 0-1, 50 GB/s between each two
            NVLink: GPU 2 is linked to no other

                   GPU0   GPU1   GPU2
            GPU0   X      NV50   SYS
            GPU1   NV50   X      NODE
            GPU2   SYS    NODE   X
            NVn: NVLink, n GB/s; BRD: one board; PIX: at most one PCIe bridge; PXB: several; PHB: a host bridge; NODE: one NUMA node; SYS: across, or not known

            """, 0, "topology", "n1");
    }

    [Fact]
    public async Task Gangs()
    {
        const string Gang = """ "namespace":"ml","name":"train","dialect":"job","state":"unplaced","reason":"gang ml/train has no place","minMembers":2,"size":2,"present":2,"placed":0,"bound":0,"priority":5,"queuePlace":1,"keptNodes":["n1"] """;
        _cluster.Service("/v1/gangs", $$$$"""{"gangs":[{ {{{{Gang}}}} },{"namespace":"other","name":"x"}]}""")
            .Service("/v1/gangs/ml/train", $$$$"""{ {{{{Gang}}}},"plan":{"placed":false,"proof":{"why":"short of 1 node"}},"members":[{"pod":"train-0"},{"pod":"train-1","node":"n1","state":"bound","devices":[{"gpu":0}]}],"history":[{"at":"2026-01-01T00:00:00Z","what":"complete"}]}""");

        await ShowsAsync("""
            NAMESPACE   GANG    KIND   STATE      MEMBERS   NEEDS   PLACED   BOUND   PRIORITY   QUEUE   REASON
            ml          train   job    unplaced   2/2       2       0        0       5          1       gang ml/train has no place

            """, 0, "gangs");
        await ShowsAsync("""
            gang ml/train (job): unplaced: gang ml/train has no place
            2 of 2 members present, 2 needed, 0 with a place, 0 bound; priority 5
            place 1 in the queue
            kept for it: 1 node (n1)
            plan: none: short of 1 node

            MEMBER    ROLE   NODE   STATE   DEVICES
            train-0                 waits
            train-1          n1     bound   GPU 0
            2026-01-01T00:00:00Z  complete

            """, 0, "gangs", "train");
        await ShowsAsync("no gang in namespace nowhere; -A lists those of all\n", 0, "gangs", "-n", "nowhere");
    }

    [Fact]
    public async Task What_if_and_drain_plan()
    {
        var work = $$"""[{"name":"ml/train","kind":"gang","fits":true,"why":"","restarts":true,"pods":2,"devices":3,"places":{{Places}}},{"name":"ml/big","kind":"pod","fits":false,"why":"0 of 2 nodes: 2 not enough free GPUs","pods":1,"devices":8,"places":[]}]""";
        _cluster.Service("/v1/what-if?namespace=ml", $$"""{"allFit":false,"work":{{work}},"waitingFor":[{"gang":"ml/g","reason":"1 of 2 members present"}],"notes":["ConfigMap c is not looked at"]}""")
            .Service("/v1/drain-plan/n0", $$"""{"node":"n0","allFit":false,"work":{{work}},"otherPods":3}""")
            .Service("/v1/drain-plan/idle", """{"node":"idle","allFit":true,"work":[],"otherPods":0}""");

        const string Table = """
            JOB        POD       NODE   DEVICES
            ml/train   train-0   n1     GPUs 0-1               the gang restarts as a whole
            ml/train   train-1   n2     GPU 2 (1g.10gb at 4)   the gang restarts as a whole
            pod ml/big (1 pod, 8 GPU devices) does not fit: 0 of 2 nodes: 2 not enough free GPUs

            """;
        await ShowsAsync(Table + """
            gang ml/g would wait: 1 of 2 members present
            note: ConfigMap c is not looked at

            """, 1, "what-if", "-f", "-");
        Assert.Equal("kind: Pod", _cluster.LastBody);
        await ShowsAsync(Table + "3 pods without GPUs, of DaemonSets too, are kube-scheduler's to place and are not looked at\n", 1, "drain-plan", "n0");
        await ShowsAsync("no pod on node idle holds a GPU: nothing of ours stands against draining it\n", 0, "drain-plan", "idle");
    }

    [Fact]
    public async Task Capacity_shortfall()
    {
        _cluster.Service("/v1/capacity-shortfall", $$"""
            {"add":[{"nodes":1,"product":"H100","gpus":8,"mig":"","beside":"rack a","like":"n1"}],"fewest":true,"atLeast":1,
             "haveRoom":[{"name":"ml/p","kind":"pod","pods":1,"devices":1}],"helped":[{"name":"ml/train","kind":"gang","pods":2,"devices":3,"places":{{Places}}}],
             "notHelped":[{"name":"ml/big","kind":"pod","pods":1,"devices":64,"why":"0 of 2 nodes"}]}
            """);

        await ShowsAsync("""
            These nodes would let run what waits:
              NODES   PRODUCT   GPUS   MIG   WHERE       LIKE
              1       H100      8            in rack a   n1
            With fewer than 1 node they do not all run.

            They would run:
              JOB        KIND   SIZE                    NODES
              ml/train   gang   2 pods, 3 GPU devices   n1, n2
            These have room as the cluster is, and wait for their turn, for kube-scheduler, or for nodes that are kept:
              JOB    KIND   SIZE
              ml/p   pod    1 pod, 1 GPU device
            No number of nodes of these kinds lets these run:
              JOB      KIND   SIZE                    WHY
              ml/big   pod    1 pod, 64 GPU devices   0 of 2 nodes

            """, 0, "capacity-shortfall");
    }

    [Fact]
    public async Task Shadow()
    {
        _cluster.Service("/v1/shadow", """
            {"state":"running","profile":"fragments","policy":"fgd","since":"2026-01-01T00:00:00Z","pods":12,"comparedWith":"control",
             "places":{"same":7,"elsewhere":3,"referenceOnly":0,"shadowOnly":2},
             "figures":{"live":{"idleGpus":4.5,"refusedPods":null},"control":{"idleGpus":5,"refusedPods":1,"decisionSeconds":0.0004},
                        "shadow":{"idleGpus":3.25,"refusedPods":0,"decisionSeconds":0.00125},"difference":{"idleGpus":-1.75,"refusedPods":-1,"decisionSeconds":0.00085}},
             "differences":[{"time":"2026-01-01T00:01:00Z","pod":"ml/a","request":"2 x GPU","gang":null,"control":null,"shadow":"n1"}]}
            """);

        var (code, output, error) = await _cluster.RunAsync("shadow");

        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("Profile fragments (fgd) since 2026-01-01T00:00:00Z, compared with: control.\n", output, StringComparison.Ordinal);
        Assert.Contains("FIGURE                               LIVE   CONTROL   SHADOW    DIFFERENCE\n", output, StringComparison.Ordinal);
        Assert.Contains("GPUs left                            4.5    5         3.25      -1.75\n", output, StringComparison.Ordinal);
        Assert.Contains("pods without a place at first        -      1         0         -1\n", output, StringComparison.Ordinal);
        Assert.Contains("time of a decision                   -      0.4 ms    1.25 ms   +0.85 ms\n", output, StringComparison.Ordinal);
        Assert.Contains("Of 12 pods that came since and have not ended, 7 are on the same node, 3 on another, 0 have a place in the control alone, 2 in the shadow alone.\n", output, StringComparison.Ordinal);
        Assert.EndsWith("""
            TIME                   POD    GANG   ASKS FOR   CONTROL    SHADOW
            2026-01-01T00:01:00Z   ml/a          2 x GPU    no place   n1

            """, output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shadow_that_does_not_run()
    {
        _cluster.Service("/v1/shadow", """{"state":"paused","text":"the last comparison could not go on","lastEnd":"overflow"}""");
        await ShowsAsync("the last comparison could not go on (it ended: overflow)\n", 0, "shadow");
    }

    [Fact]
    public async Task How_many_GPUs_will_be_demanded()
    {
        _cluster.Service("/v1/forecast?hours=2&model=A100", """
            {"model":"A100","history":{"gpus":40.25,"waiting":8,"problem":"the disk is full"},"why":"harmonic-by-change up to 4 h, last-value up to 24 h: of 5 methods the one with the least error so far ahead","confidence":0.9,
             "leads":[{"upToSeconds":900,"method":"harmonic-by-change","mae":3.9,"ratio":0.85},{"upToSeconds":86400,"method":"last-value","mae":60,"ratio":1}],
             "methods":[{"method":"harmonic-by-change","mae":3.9,"ratio":0.65},{"method":"last-value","mae":6,"ratio":1}],
             "points":[{"at":"2026-01-01T12:00:00Z","gpus":40,"low":20,"high":60},{"at":"2026-01-01T13:00:00Z","gpus":60,"low":40,"high":80}]}
            """);

        await ShowsAsync("""
            now: 40.3 GPUs, 8 of them waited for
            FROM                   GPUS   LOW   HIGH
            2026-01-01T12:00:00Z   40     20    60     ##########==========----------
            2026-01-01T13:00:00Z   60     40    80     ####################==========----------

            GPUS is expected; 90 % lie between LOW and HIGH (-). harmonic-by-change up to 4 h, last-value up to 24 h: of 5 methods the one with the least error so far ahead.
              UP TO   METHOD USED          ERROR (GPUS)   OF LAST VALUE'S
              15m     harmonic-by-change   3.9            0.85
              24h     last-value           60             1

              METHOD               ERROR (GPUS)   OF LAST VALUE'S
              harmonic-by-change   3.9            0.65
              last-value           6              1
            The history is kept in memory alone: the disk is full

            """, 0, "forecast", "--hours", "2", "--model", "A100");
    }

    [Fact]
    public async Task Why_a_pod_of_a_gang_waits()
    {
        _cluster.Service("/v1/pods/ml/train-0", """{"pod":"ml/train-0","state":"pending","gang":"ml/train","reasons":[{"reason":"not enough free GPUs","nodes":4,"examples":["n1","n2","n3","n4"]}],"summary":"0 of 4 nodes"}""")
            .Service("/v1/gangs/ml/train", """{"namespace":"ml","name":"train","dialect":"job","state":"unplaced","reason":"gang ml/train has no place: short of 1 node with 8 GPUs free","minMembers":2,"size":2,"present":2,"placed":0,"bound":0,"priority":5,"queuePlace":2}""")
            .Service("/v1/gangs", """{"gangs":[{"namespace":"ml","name":"first","keptNodes":["n1","n2"]}]}""")
            .Service("/v1/expected-start", """{"roomNow":false,"at":"2026-01-01T13:00:00Z","knownEnds":1,"running":2}""")
            .Api("/api/v1/pods?fieldSelector=status.phase%3DRunning", """
                {"items":[{"metadata":{"uid":"a","annotations":{"gpuscheduler.io/expected-duration":"90m"}},"spec":{"activeDeadlineSeconds":7200},"status":{"startTime":"2026-01-01T11:30:00Z"}},
                          {"metadata":{"uid":"overrun"},"spec":{"activeDeadlineSeconds":60},"status":{"startTime":"2026-01-01T11:30:00Z"}},{"metadata":{"uid":"silent"},"spec":{},"status":{"startTime":"2026-01-01T11:30:00Z"}}]}
                """);

        await ShowsAsync("""
            pod ml/train-0: pending
              Missing:  gang ml/train has no place: short of 1 node with 8 GPUs free
              Gang:     ml/train (job), unplaced: complete, 2 of 2 members present, 2 needed, 0 with a place, 0 bound
              Queue:    place 2, priority 5
              Kept:     for gang ml/first, which is due before others: 2 nodes
              Expected: by 2026-01-01T13:00:00Z, if pods end when they say, and nothing more urgent comes (1 of 2 pods that hold GPUs say when they end)
              Refused:
                NODES   REASON                 EXAMPLES
                4       not enough free GPUs   n1, n2, n3 and 1 more

            """, 0, "why", "train-0");
        Assert.Equal("""{"name":"ml/train","ends":{"a":"2026-01-01T13:00:00.0000000Z"}}""", _cluster.LastBody);
    }

    [Fact]
    public async Task Why_a_pod_waits_where_the_service_does_not_explain_pods()
    {
        _cluster.Api("/api/v1/namespaces/ml/pods/p", """{"spec":{},"status":{"conditions":[{"type":"PodScheduled","status":"False","message":"0/4 nodes are available"}]}}""")
            .Api("/api/v1/namespaces/ml/events?fieldSelector=involvedObject.name%3Dp", """{"items":[{"lastTimestamp":"2026-01-01T11:59:00Z","reason":"FailedScheduling","message":"4 not enough free GPUs"}]}""")
            .Api("/api/v1/pods?fieldSelector=status.phase%3DRunning", """{"items":[]}""")
            .Service("/v1/gangs", """{"gangs":[]}""")
            .Service("/v1/expected-start", """{"roomNow":false,"at":null,"knownEnds":0,"running":4}""");

        await ShowsAsync("""
            pod ml/p: pending
              Missing:  0/4 nodes are available
              Expected: no time is known: none of the 4 pods that hold GPUs says how long it runs (spec.activeDeadlineSeconds or annotation gpuscheduler.io/expected-duration)
              Events:
                AT                     REASON             MESSAGE
                2026-01-01T11:59:00Z   FailedScheduling   4 not enough free GPUs

            """, 0, "why", "ml/p");
    }

    [Fact]
    public async Task Why_of_an_incomplete_gang_tells_no_time()
    {
        _cluster.Service("/v1/gangs/ml/train", """{"namespace":"ml","name":"train","dialect":"job","state":"waiting","reason":"1 of 2 members present","minMembers":2,"size":2,"present":1,"placed":0,"bound":0,"priority":0}""")
            .Service("/v1/gangs", """{"gangs":[]}""");

        await ShowsAsync("""
            gang ml/train: waiting
              Missing:  1 of 2 members present
              Gang:     ml/train (job), waiting: not complete, 1 of 2 members present, 2 needed, 0 with a place, 0 bound
              Queue:    not in the queue until it is complete

            """, 0, "why", "gang:train");
    }

    [Fact]
    public async Task Why_of_a_pod_that_runs_says_where()
    {
        _cluster.Service("/v1/pods/ml/p", """{"pod":"ml/p","state":"bound","node":"n1","gang":"","devices":[{"gpu":0},{"gpu":3}]}""");

        await ShowsAsync("pod ml/p: bound on node n1, GPUs 0,3\n", 0, "why", "p");
    }

    [Fact]
    public async Task Advise()
    {
        _cluster.Api("/apis/gpuscheduler.io/v1/gpunodes", """{"items":[{"metadata":{"name":"n1"},"spec":{"gpus":[{"memoryMib":81920,"memoryUsedMib":6000},{"index":1,"memoryMib":81920,"memoryUsedMib":70000},{"index":2,"memoryMib":81920}]}}]}""")
            .Service("/v1/nodes/n1", """
                {"name":"n1","product":"NVIDIA-H100-80GB-HBM3","allocations":[{"pod":"ml/small","state":"bound","devices":[{"gpu":0}]},{"pod":"ml/large","state":"bound","devices":[{"gpu":1}]},
                 {"pod":"ml/dark","state":"bound","devices":[{"gpu":2}]},{"pod":"ml/share","state":"bound","devices":[{"gpu":3,"memoryMiB":10}]}]}
                """);

        await ShowsAsync("""
            POD        NODE   GPUS   MEMORY EACH   SEEN IN USE   MIG THAT WOULD DO           SHARE THAT WOULD DO
            ml/small   n1     1      81920 MiB     6000 MiB      nvidia.com/mig-1g.10gb: 1   gpuscheduler.io/gpu-memory: 8192Mi
            1 pod with whole GPUs cannot be judged: the memory in use of their GPUs is not reported
            What this cannot know:
            - memory is what the node agent saw last, not the most that was used: look again while the pod does its hardest work
            - how busy the GPU's cores are is not reported: a pod that uses little memory may still need all of them
            - a framework that takes all memory at its start (TensorFlow, JAX, vLLM by default) looks as if it needed it

            """, 0, "advise");
    }

    [Theory]
    [InlineData("table")]
    [InlineData("json")]
    [InlineData("yaml")]
    public async Task What_names_and_annotations_hold_does_nothing_to_the_terminal(string form)
    {
        const string Evil = "\\u001b[2J\\u001b]0;x\\u0007\\r\\nroot\\u202e\\u009b\\u200b\\u0000";
        _cluster.Service("/v1/gangs", $$$$"""{"gangs":[{"namespace":"ml","name":"{{{{Evil}}}}","reason":"{{{{Evil}}}}","keptNodes":["{{{{Evil}}}}"],"{{{{Evil}}}}":1}]}""")
            .Service("/v1/nodes", $$$$"""{"nodes":[{"name":"{{{{Evil}}}}","gpus":1,"product":"{{{{Evil}}}}","mig":{"{{{{Evil}}}}":{}}}]}""")
            .Service("/v1/nodes/n", $$$$"""{"name":"{{{{Evil}}}}","product":"{{{{Evil}}}}","devices":[{"gpu":0,"healthy":false,"healthReason":"{{{{Evil}}}}"}],"warnings":["{{{{Evil}}}}"],"sources":{"{{{{Evil}}}}":"{{{{Evil}}}}"},"allocations":[{"pod":"{{{{Evil}}}}","state":"{{{{Evil}}}}","devices":[{"gpu":0,"mig":"{{{{Evil}}}}"}]}]}""")
            .Service("/v1/drain-plan/n", $$$$"""{"error":"{{{{Evil}}}}"}""", HttpStatusCode.NotFound);

        foreach (var args in new string[][] { ["gangs"], ["nodes"], ["nodes", "n"], ["topology", "n"], ["drain-plan", "n"], ["why", "p"] })
        {
            var (_, output, error) = await _cluster.RunAsync([.. args, "-o", form]);
            Assert.DoesNotContain(output + error, c => (char.IsControl(c) && c != '\n') || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format || char.IsSurrogate(c));
            Assert.DoesNotContain("\nroot", output + error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Json_is_what_the_service_said_and_the_same_each_time()
    {
        const string Said = """{"nodes":[{"name":"n1","gpus":8,"mig":{},"x":[1.5,true,null,"é"]}]}""";
        _cluster.Service("/v1/nodes", Said);

        var (code, first, _) = await _cluster.RunAsync("nodes", "-o", "json");
        Assert.Equal(0, code);
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(Said).RootElement, JsonDocument.Parse(first).RootElement));
        Assert.Equal(first, (await _cluster.RunAsync("nodes", "-o", "json")).Out);
        Assert.Equal("""
            nodes:
            - name: "n1"
              gpus: 8
              mig: {}
              x:
              - 1.5
              - true
              - null
              - "\u00E9"

            """, (await _cluster.RunAsync("nodes", "-o", "yaml")).Out, ignoreLineEndingDifferences: true);
    }

    private async Task ShowsAsync(string expected, int code, params string[] args)
    {
        var (actual, output, error) = await _cluster.RunAsync(args);
        Assert.Equal("", error);
        Assert.Equal(expected, output);
        Assert.Equal(code, actual);
    }
}
