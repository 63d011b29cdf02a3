using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class GpuNodeReaderTests
{
    [Fact]
    public void A_report_is_read()
    {
        var (node, report) = Read("""
            {"gpus":[
               {"index":1,"uuid":"GPU-b","memoryMib":81559,"numaNode":1,"pciBusId":"00000000:07:00.0","health":{"unhealthy":true,"reason":"XID 79"}},
               {"index":0,"uuid":"GPU-a","memoryMib":81559,"numaNode":0,"migMode":"MIG_MODE_DISABLED"},
               {"index":2,"migMode":"MIG_MODE_FIXED","migInstances":[{"profile":"3g.40gb","start":4,"size":4,"uuid":"MIG-x"},{"profile":"1g.10gb","start":0,"size":1}]},
               {"index":3,"migMode":3}],
             "links":[{"a":0,"b":1,"nvlinks":4,"pcie":"PCIE_LEVEL_SINGLE"},{"a":2,"b":0,"nvlinks":2,"nvlinkMbps":112500},{"a":1,"b":2,"pcie":40}],
             "nvlinkDomain":"8b2c1f2e-0000-4c0e-9b6a-2f1d3c4b5a69.7"}
            """);

        Assert.Equal("n", node);
        Assert.Equal("8b2c1f2e-0000-4c0e-9b6a-2f1d3c4b5a69.7", report.NvlinkDomain);
        Assert.Equal(["GPU-a", "GPU-b", null, null], report.Gpus.Select(g => g.Uuid));
        Assert.Equal((false, "XID 79", 1, "00000000:07:00.0"), (report.Gpus[1].Healthy, report.Gpus[1].HealthReason, report.Gpus[1].NumaNode, report.Gpus[1].PciBusId));
        Assert.Equal((true, -1, MigMode.OnDemand), (report.Gpus[3].Healthy, report.Gpus[3].NumaNode, report.Gpus[3].Mig));
        Assert.Equal([new MigInstance(new MigPlacement("3g.40gb", 4, 4), "MIG-x"), new MigInstance(new MigPlacement("1g.10gb", 0, 1), null)], report.Gpus[2].Instances);
        var links = report.Links!;
        Assert.Equal((100_000, PcieLevel.Single), (links.NvlinkMBps(1, 0), links.Pcie(1, 0)));
        Assert.Equal((112_500, PcieLevel.System), (links.NvlinkMBps(0, 2), links.Pcie(0, 2)));
        Assert.Equal((0, PcieLevel.Node), (links.NvlinkMBps(2, 1), links.Pcie(2, 1)));
        Assert.Equal((0, PcieLevel.System), (links.NvlinkMBps(0, 3), links.Pcie(0, 3)));
    }

    [Fact]
    public void Cached_and_reachable_data_are_read()
    {
        var report = Read("""{"gpus":[],"cachedData":["imagenet"],"reachableData":["llama@rack"]}""").Report;

        Assert.Equal(("imagenet", "llama@rack"), (Assert.Single(report.CachedData), Assert.Single(report.ReachableData)));
        Assert.NotEqual(report, report with { CachedData = [] });
        Assert.NotEqual(report, report with { ReachableData = [] });
    }

    [Fact]
    public void A_report_without_links_leaves_them_to_the_catalogue() => Assert.Null(Read("""{"gpus":[{}]}""").Report.Links);

    [Theory]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("00000000-0000-0000-0000-000000000000.0")]
    [InlineData("00000000-0000-0000-0000-000000000000.32766")]
    [InlineData("00000000-0000-0000-0000-000000000000")]
    public void An_all_zero_cluster_is_no_domain(string domain) =>
        Assert.Null(Read($$"""{"gpus":[{}],"nvlinkDomain":"{{domain}}"}""").Report.NvlinkDomain);

    [Fact]
    public void Words_of_a_later_version_are_passed_over()
    {
        var report = Read("""
            {"gpus":[{"index":0,"migMode":"MIG_MODE_QUANTUM","colour":"green","health":{"temperature":[1,2]}},{"index":1,"migMode":77},{"index":2}],
             "links":[{"a":0,"b":1,"pcie":"PCIE_LEVEL_TUNNEL"},{"a":0,"b":2,"pcie":99}],"fabric":{"x":1}}
            """).Report;

        Assert.Equal(3, report.Gpus.Length);
        Assert.Equal(PcieLevel.System, report.Links!.Pcie(0, 1));
        Assert.Equal(PcieLevel.System, report.Links.Pcie(0, 2));
        Assert.Equal(MigMode.Fixed, report.Gpus[1].Mig);
    }

    [Theory]
    [InlineData("""{"gpus":[{"index":0},{"index":2}]}""", "GPU index 2 with 2 GPUs: each index from 0 to 1 is needed once")]
    [InlineData("""{"gpus":[{"index":0},{"index":0}]}""", "GPU index 0 is listed twice")]
    [InlineData("""{"gpus":[{"index":0,"uuid":"GPU-a"},{"index":1,"uuid":"GPU-a"}]}""", "UUID GPU-a is listed twice")]
    [InlineData("""{"gpus":[{"index":0}],"links":[{"a":0,"b":1}]}""", "a link between GPUs 0 and 1, and there are 1 GPUs")]
    [InlineData("""{"gpus":[{"index":0}],"links":[{"a":0,"b":0}]}""", "a link of GPU 0 with itself")]
    [InlineData("""{"gpus":[{"index":0},{"index":1}],"links":[{"a":0,"b":1},{"a":1,"b":0}]}""", "the link between GPUs 1 and 0 is listed twice")]
    [InlineData("""{"gpus":[{"index":0},{"index":1}],"links":[{"a":0,"b":1,"nvlinkMbps":5}]}""", "has 5 MB/s of NVLink and no NVLink")]
    [InlineData("""{"gpus":[{"index":0},{"index":1}],"links":[{"a":0,"b":1,"nvlinks":4000000000}]}""", "MB/s cannot be")]
    [InlineData("""{"gpus":[{"migMode":"MIG_MODE_FIXED","migInstances":[{"profile":"1g","start":7,"size":2}]}]}""", "does not lie within 8 memory slices")]
    [InlineData("""{"gpus":[{"migMode":"MIG_MODE_FIXED","migInstances":[{"profile":"1g","start":4294967295,"size":1}]}]}""", "does not lie within 8 memory slices")]
    [InlineData("""{"gpus":[{"migMode":"MIG_MODE_FIXED","migInstances":[{"profile":"1g","start":1,"size":0}]}]}""", "does not lie within 8 memory slices")]
    [InlineData("""{"gpus":[{"migMode":"MIG_MODE_FIXED","migInstances":[{"profile":"a","start":0,"size":4},{"profile":"b","start":3,"size":1}]}]}""", "MIG instance b at start 3 overlaps another")]
    [InlineData("""{"gpus":[{"migMode":"MIG_MODE_FIXED","migInstances":[{"start":0,"size":4}]}]}""", "a MIG instance has no profile")]
    [InlineData("""{"gpus":[{"migInstances":[{"profile":"a","start":0,"size":4}]}]}""", "set its migMode to MIG_MODE_FIXED")]
    [InlineData("""{"gpus":[{"memoryMib":4294967295}]}""", "memoryMib 4294967295 is too large")]
    [InlineData("""{"gpus":[{"index":-1}]}""", "spec is not a NodeReport")]
    [InlineData("""{"gpus":[{"index":"zero"}]}""", "spec is not a NodeReport")]
    [InlineData("""{"gpus":{"index":0}}""", "spec is not a NodeReport")]
    [InlineData("null", "spec is missing")]
    public void A_report_that_cannot_be_right_says_what_is_wrong(string spec, string said)
    {
        var fault = Assert.Throws<InvalidReportException>(() => Read(spec));

        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
        Assert.Equal("n", fault.Node);
    }

    [Fact]
    public void More_than_64_GPUs_are_too_many()
    {
        static string Gpus(int count) => $$"""{"gpus":[{{string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"index":{{i}} }"""))}}]}""";

        Assert.Equal(64, Read(Gpus(64)).Report.Gpus.Length);
        Assert.Contains("65 GPUs", Assert.Throws<InvalidReportException>(() => Read(Gpus(65))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"spec":{}}""")]
    [InlineData("""{"metadata":{"name":"n"},"spec":[]}""")]
    [InlineData("""[]""")]
    [InlineData("""null""")]
    public void An_object_that_is_none_is_a_JSON_fault(string json) =>
        Assert.ThrowsAny<JsonException>(() => GpuNodeReader.Read(Encoding.UTF8.GetBytes(json)));

    private static (string Node, NodeReport Report) Read(string spec) =>
        GpuNodeReader.Read(Encoding.UTF8.GetBytes($$"""{"apiVersion":"gpuscheduler.io/v1","kind":"GpuNode","metadata":{"name":"n","resourceVersion":"1"},"spec":{{spec}} }"""));
}
