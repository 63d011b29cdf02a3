using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Generation;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Workloads;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

public sealed class InputTests
{
    private const string PodColumns = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time";

    [Theory]
    [InlineData("42", new long[] { 42 })]
    [InlineData("42-44", new long[] { 42, 43, 44 })]
    [InlineData("44, 1-2,44", new long[] { 44, 1, 2 })]
    public void Seeds_are_read(string text, long[] expected) => Assert.Equal(expected, Spans.Seeds(text));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("44-42")]
    [InlineData("-1")]
    [InlineData("1-2-3")]
    [InlineData("0-99999999999")]
    public void Seeds_that_are_none_are_refused(string text) => Assert.Contains("--seeds", Assert.Throws<InputException>(() => Spans.Seeds(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("90s", 90_000)]
    [InlineData("90", 90_000)]
    [InlineData("10m", 600_000)]
    [InlineData("1h30m", 5_400_000)]
    [InlineData("1.5d", 129_600_000)]
    [InlineData("250ms", 250)]
    public void Durations_are_read(string text, long milliseconds) => Assert.Equal(milliseconds, Spans.Duration("--x", text));

    [Theory]
    [InlineData("")]
    [InlineData("0s")]
    [InlineData("ten")]
    [InlineData("10y")]
    [InlineData("m")]
    public void Durations_that_are_none_are_refused(string text) => Assert.Contains("--x", Assert.Throws<InputException>(() => Spans.Duration("--x", text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Pods_of_openb_are_read_and_equal_ones_are_one_object()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File(
            "openb_pod_list_x.csv",
            PodColumns,
            "openb-pod-0000,12000,16384,1,1000,,LS,Running,0,12537496,0",
            "openb-pod-0001,6000,12288,1,460,G2|V100M32,BE,Running,427061,427161,427061",
            "openb-pod-0002,6000,12288,0,999,G2,BE,Running,5,6,7",
            "openb-pod-0003,6000,12288,8,1500,,BE,Running,5,6,",
            "openb-pod-0004,12000,16384,1,1000,,LS,Running,0,1,0");
        var trace = OpenbPods.Read(path, "x");
        var (whole, shared, none, eight) = (trace.Pods[0], trace.Pods[1].Template, trace.Pods[2].Template, trace.Pods[3].Template);
        Assert.Equal((12000, 16384L << 20, 1, 0L, 12_537_496_000), (whole.Template.CpuMilli, whole.Template.MemoryBytes, whole.Template.Request.WholeGpus, whole.ArrivalMs, whole.DurationMs));
        Assert.Equal((1, 460, "G2|V100M32"), (shared.Request.ShareCount, shared.Request.ShareMilli, string.Join('|', shared.Request.Models)));
        Assert.False(none.Request.WantsGpu);
        Assert.Empty(none.Request.Models);
        Assert.Equal(8, eight.Request.WholeGpus);
        Assert.Same(whole.Template, trace.Pods[4].Template);
        Assert.True(trace.HasArrivals && trace.HasDurations);
    }

    [Fact]
    public void Pods_of_openb_without_times_have_none()
    {
        using var folder = new TemporaryFolder();
        var trace = OpenbPods.Read(folder.File("p.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli", "p,1,1,1,1000"), "p");
        Assert.False(trace.HasArrivals || trace.HasDurations);
    }

    [Theory]
    [InlineData("p,many,1,1,1000", "p.csv:3: cpu_milli is \"many\": a whole number from 0 to")]
    [InlineData("p,1,1,1,0", "p.csv:3: gpu_milli is \"0\"")]
    [InlineData("p,1,1,65,1000", "p.csv:3: num_gpu is \"65\": a whole number from 0 to 64")]
    [InlineData("p,-1,1,1,1000", "p.csv:3: cpu_milli is \"-1\"")]
    [InlineData("p,1", "p.csv:3: num_gpu is \"\"")]
    [InlineData("\"p,1,1,1,1000", "p.csv:3:")]
    public void A_bad_row_is_named_by_file_line_and_column(string row, string expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("p.csv", "name,cpu_milli,memory_mib,num_gpu,gpu_milli", "a,1,1,1,1000", row);
        Assert.Contains(expected, Assert.Throws<InputException>(() => OpenbPods.Read(path, "p")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_column_is_named_with_those_that_are_there()
    {
        using var folder = new TemporaryFolder();
        var nodes = folder.File("n.csv", "sn,cpu_milli,gpu,model", "a,1,1,T4");
        var error = Assert.Throws<InputException>(() => OpenbNodes.Read(nodes)).Message;
        Assert.Contains("n.csv:1: column memory_mib is missing; the file has sn, cpu_milli, gpu, model", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_no_stack_trace()
    {
        var path = Path.Combine(Path.GetTempPath(), "there-is-no-such-folder", "p.csv");
        Assert.Contains("cannot be read", Assert.Throws<InputException>(() => JobTraces.Read(path, Jobs)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sn,cpu_milli,memory_mib,gpu,model", "a,1,1,1,", "a node with GPUs needs the name of their model")]
    [InlineData("sn,cpu_milli,memory_mib,gpu,model", ",1,1,1,T4", "a name is needed")]
    [InlineData("sn,cpu_milli,memory_mib,gpu,model", "", "lists no nodes")]
    public void A_node_list_that_cannot_be_right_is_refused(string header, string row, string expected)
    {
        using var folder = new TemporaryFolder();
        Assert.Contains(expected, Assert.Throws<InputException>(() => OpenbNodes.Read(folder.File("n.csv", header, row))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_of_openb_are_what_the_list_says()
    {
        using var folder = new TemporaryFolder();
        var facts = new ClusterFacts(OpenbNodes.Read(folder.File("n.csv", "sn,cpu_milli,memory_mib,gpu,model", "openb-node-0001,96000,393216,8,G2", "openb-node-0000,32000,262144,0,")));
        Assert.Equal(["openb-node-0000", "openb-node-0001"], facts.Nodes.Select(n => n.Name));
        var node = facts.Nodes[1];
        Assert.Equal((96000, 393216L << 20, 8, "G2", 1001), (node.CpuMilli, node.MemoryBytes, node.UsableGpus, node.Product, node.MostPods));
        Assert.Equal((8, 8000), (facts.Gpus, facts.CapacityMilli));
    }

    [Fact]
    public void Jobs_of_Philly_are_in_seconds_and_large_ones_are_gangs_of_equal_pods()
    {
        using var folder = new TemporaryFolder();
        var trace = JobTraces.Read(folder.File("philly.csv", "timestamp,duration,num_gpus,gpu_time,cluster", "2017-10-09 07:01:55,66.5,1,66,a", "2017-10-09 07:02:00,10,20,200,a"), Jobs);
        Assert.Equal([(1, 1), (5, 4)], trace.Pods.Select(p => (p.Template.Request.WholeGpus, p.Members)));
        Assert.Equal(66_500, trace.Pods[0].DurationMs);
        Assert.Equal(5_000, trace.Pods[1].ArrivalMs - trace.Pods[0].ArrivalMs);
        Assert.Equal(20_000, trace.Pods[1].Template.CpuMilli);
        Assert.Contains("1 of 2 jobs want more than 8 GPUs; each is a gang", Assert.Single(trace.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(9, 3, 3)]
    [InlineData(16, 8, 2)]
    [InlineData(17, 1, 17)]
    [InlineData(24, 8, 3)]
    [InlineData(8, 8, 1)]
    public void A_job_has_as_few_equal_pods_as_its_GPUs_can_be_divided_into(int gpus, int ofAPod, int members)
    {
        using var folder = new TemporaryFolder();
        var trace = JobTraces.Read(folder.File("philly.csv", "timestamp,duration,num_gpus", $"2017-10-09 07:01:55,66.5,{gpus}"), Jobs);
        Assert.Equal((ofAPod, members), (trace.Pods[0].Template.Request.WholeGpus, trace.Pods[0].Members));
    }

    [Fact]
    public void Jobs_of_Muri_are_in_milliseconds_and_have_priorities()
    {
        using var folder = new TemporaryFolder();
        var trace = JobTraces.Read(folder.File("muri.csv", "job_id,num_gpu,submit_time,iterations,model_name,batch_size,duration,interval,priority", "0,4,1456000,1,r,1,2000,0,1"), Jobs);
        Assert.Equal((1_456_000, 2_000, 1, 4), (trace.Pods[0].ArrivalMs, trace.Pods[0].DurationMs, trace.Pods[0].Template.Priority, trace.Pods[0].Template.Request.WholeGpus));
    }

    [Fact]
    public void Jobs_of_Sia_run_as_long_as_is_said_because_the_trace_does_not_say()
    {
        using var folder = new TemporaryFolder();
        var trace = JobTraces.Read(folder.File("sia.csv", "name,time,application,num_replicas,batch_size", "bert-2,811.66,bert,12,384"), Jobs);
        Assert.Equal([(811_660L, 60_000L, 6, 2)], trace.Pods.Select(p => (p.ArrivalMs, p.DurationMs, p.Template.Request.WholeGpus, p.Members)));
        Assert.Contains(trace.Notes, n => n.Contains("no durations", StringComparison.Ordinal));
    }

    [Fact]
    public void A_trace_of_unknown_columns_lists_those_that_are_known()
    {
        using var folder = new TemporaryFolder();
        var error = Assert.Throws<InputException>(() => JobTraces.Read(folder.File("x.csv", "when,what", "1,2"), Jobs)).Message;
        Assert.Contains("timestamp, duration, num_gpus (Philly)", error, StringComparison.Ordinal);
        Assert.Contains("The file has when, what", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pods 0,1\nnodes 0", null)]
    [InlineData("pods 0,2\nnodes 0", "t_1.txt:1: \"2\" is not a row of trace t, which has rows 0 to 1")]
    [InlineData("pods 0,1", "the line \"nodes …\" is missing")]
    [InlineData("pods 0,1\nnodes x", "t_1.txt:2: \"x\" is not the number of a node")]
    [InlineData("arrivals 0", "t_1.txt:1: lines that begin with \"pods \" and \"nodes \" are allowed")]
    public void Orders_of_arrival_are_read_or_refused_with_their_line(string content, string? expected)
    {
        using var folder = new TemporaryFolder();
        folder.File("t_1.txt", content.Split('\n'));
        var trace = new Trace("t", [.. Enumerable.Range(0, 2).Select(i => new TracePod($"p{i}", TimedRunTests.Gpus(1), TracePod.NoTime, TracePod.NoTime))]) { Source = "test" };
        var cluster = TimedRunTests.Cluster("2xT4:1");
        if (expected is null)
        {
            // A node that the file does not name comes last.
            Assert.Equal([0, 1], ReplayOrder.TryRead(folder.Path, trace, 1, cluster)!.Nodes);
        }
        else
        {
            Assert.Contains(expected, Assert.Throws<InputException>(() => ReplayOrder.TryRead(folder.Path, trace, 1, cluster)).Message, StringComparison.Ordinal);
        }

        Assert.Null(ReplayOrder.TryRead(folder.Path, trace, 2, cluster));
    }

    [Theory]
    [InlineData("4xH100:8:192:2Ti", 4, "NVIDIA-H100-80GB-HBM3", 8, "192", "2Ti")]
    [InlineData("2xTesla-T4:4", 2, "Tesla-T4", 4, "48", "512Gi")]
    [InlineData("1xG2:8:96", 1, "G2", 8, "96", "1024Gi")]
    [InlineData("3xcpu:0:64", 3, "", 0, "64", "128Gi")]
    public void Shapes_of_nodes_are_read(string text, int count, string product, int gpus, string cpu, string memory)
    {
        var (n, spec) = NodeSpec.ParseCounted(text, []);
        Assert.Equal((count, product, gpus, cpu, memory), (n, spec.Product, spec.Gpus, spec.Cpu, spec.Memory));
    }

    [Theory]
    [InlineData("H100:8")]
    [InlineData("0xH100:8")]
    [InlineData("2xH100")]
    [InlineData("2xH100:65")]
    [InlineData("2xH100:8:many")]
    [InlineData("2xH100:8:1:2:3")]
    [InlineData("2x:8")]
    public void Shapes_that_are_none_are_refused(string text) => Assert.Contains("is not", Assert.Throws<InputException>(() => NodeSpec.ParseCounted(text, [])).Message, StringComparison.Ordinal);

    [Fact]
    public void A_shape_takes_what_it_does_not_say_from_nodes_like_it()
    {
        var known = TimedRunTests.Cluster("1xG2:8:96:384Gi").Cluster.Nodes;
        Assert.Equal(new NodeSpec("G2", 8, "96", "384Gi"), NodeSpec.Parse("G2:8", known));
    }

    [Theory]
    [InlineData("{\"name\":\"x\",\"nodes\":[\"1xT4:1\"],\"pods\":[{\"weight\":1,\"cpu\":\"1\",\"memory\":\"1Gi\",\"gpus\":1}]}", null)]
    [InlineData("{\"name\":\"x\",\"nodes\":[\"1xT4:1\"],\"pods\":[{\"weight\":1,\"cpu\":\"1\",\"memory\":\"1Gi\",\"gpu\":1}]}", "s.json:1")]
    [InlineData("{\"name\":\"x\",\"nodes\":[\"1xT4:1\"],\"pods\":[{\"weight\":1,\"cpu\":\"lots\",\"memory\":\"1Gi\"}]}", "pods[0]: cpu \"lots\" is not a quantity")]
    [InlineData("{\"name\":\"x\",\"nodes\":[],\"pods\":[]}", "may not be empty")]
    [InlineData("{\"name\":\"x\",\"nodes\":[\"1xT4:1\"],\"migShare\":2,\"pods\":[]}", "migShare is 2")]
    [InlineData("{\n\"name\":", "s.json:")]
    [InlineData("null", "null is not a scenario")]
    public void Scenarios_are_read_or_refused(string json, string? expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("s.json", json);
        if (expected is null)
        {
            Assert.Equal("x", Scenario.Load(path).Name);
        }
        else
        {
            Assert.Contains(expected, Assert.Throws<InputException>(() => Scenario.Load(path)).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_command_line_can_be_typed_again() =>
        Assert.Equal("gpu-scheduler-simulator simulate --html 'my report.html' --traces a,b ''", Spans.CommandLine(["simulate", "--html", "my report.html", "--traces", "a,b", ""]));

    private static JobSettings Jobs => new() { MostGpusPerPod = 8, CpuMilliPerGpu = 4000, DurationMs = 60_000 };
}
