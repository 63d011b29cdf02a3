using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class NodeJsonReaderTests
{
    [Fact]
    public void A_recorded_node_keeps_its_GPU_labels_and_counted_resources()
    {
        var node = NodeJsonReader.Read(Recorded());

        Assert.StartsWith("gpu-node-", node.Name, StringComparison.Ordinal);
        Assert.Equal("NVIDIA-H100-80GB-HBM3", node.Labels["nvidia.com/gpu.product"]);
        Assert.All(node.Labels.Keys, key => Assert.True(NodeObject.KeepsLabel(key)));
        Assert.Equal("8", node.Allocatable["nvidia.com/gpu"]);
        Assert.Equal(["cpu", "memory", "nvidia.com/gpu", "pods"], node.Allocatable.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(8, NodeFactsBuilder.Build(node, null).Gpus.Length);
    }

    [Fact]
    public void Nodes_of_one_kind_share_their_strings()
    {
        var (a, b) = (NodeJsonReader.Read(Recorded()), NodeJsonReader.Read(Recorded()));

        Assert.Same(a.Labels["nvidia.com/gpu.product"], b.Labels["nvidia.com/gpu.product"]);
        Assert.Same(a.Allocatable["memory"], b.Allocatable["memory"]);
        Assert.Same(a.Labels.Keys.Max(), b.Labels.Keys.Max());
    }

    [Fact]
    public void Annotations_of_data_and_Fluid_s_labels_are_kept()
    {
        var node = Read("""{"metadata":{"name":"a","labels":{"fluid.io/s-default-hbase":"true","x":"y"},"annotations":{"gpuscheduler.io/cached-data":"a,b","gpuscheduler.io/reachable-data":"c@rack"}}}""");

        Assert.Equal(("a,b", "c@rack"), (node.CachedData, node.ReachableData));
        Assert.Equal(["fluid.io/s-default-hbase"], node.Labels.Keys);
        Assert.Equal(["a", "b", "c", "fluid/default-hbase"], NodeFactsBuilder.Build(node, null).Data.Keys.Order(StringComparer.Ordinal));
        Assert.Null(Read("""{"metadata":{"name":"a","annotations":{"gpuscheduler.io/cached-data":null}}}""").CachedData);
    }

    [Fact]
    public void Capacity_stands_in_for_allocatable()
    {
        Assert.Equal("8", Read("""{"metadata":{"name":"a"},"status":{"capacity":{"nvidia.com/gpu":8}}}""").Allocatable["nvidia.com/gpu"]);
        Assert.Equal("7", Read("""{"metadata":{"name":"a"},"status":{"allocatable":{"nvidia.com/gpu":"7"},"capacity":{"nvidia.com/gpu":"8"}}}""").Allocatable["nvidia.com/gpu"]);
        Assert.Empty(Read("""{"metadata":{"name":"a"},"status":{"allocatable":{},"capacity":{"nvidia.com/gpu":"8"}}}""").Allocatable);
    }

    [Theory]
    [InlineData("""{"metadata":{}}""", "metadata.name is missing")]
    [InlineData("""{"metadata":{"name":"a","labels":{"nvidia.com/gpu.count":8}}}""", "metadata.labels must be a string")]
    [InlineData("""{"metadata":{"name":"a"},"status":{"allocatable":{"cpu":[]}}}""", "status.allocatable must be a quantity")]
    [InlineData("""{"metadata":{"name":"a"},"status":7}""", "status must be an object")]
    public void A_fault_names_the_field(string json, string said) =>
        Assert.Contains(said, Assert.ThrowsAny<JsonException>(() => Read(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Whatever_is_done_to_a_node_only_JSON_faults_come_of_it()
    {
        var whole = Recorded();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Bool).Sample(
            (at, value, cut) =>
            {
                try
                {
                    NodeJsonReader.Read(cut ? whole[..at] : [.. whole[..at], value, .. whole[(at + 1)..]]);
                }
                catch (JsonException)
                {
                    // The only one allowed.
                }
            },
            iter: 5_000);
    }

    private static NodeObject Read(string json) => NodeJsonReader.Read(Encoding.UTF8.GetBytes(json));

    private static byte[] Recorded() =>
        Encoding.UTF8.GetBytes(JsonNode.Parse(Fixtures.Wire("filter.nodeCacheCapable-false.request.json"))!["Nodes"]!["items"]![0]!.ToJsonString());
}
