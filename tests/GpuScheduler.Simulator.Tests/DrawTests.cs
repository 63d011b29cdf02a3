using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Workloads;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

public sealed class DrawTests
{
    [Fact]
    public void The_generator_gives_the_numbers_of_its_authors_demonstration()
    {
        var draw = new Pcg32(42, (DrawStream)54);
        Assert.Equal([0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e], Enumerable.Range(0, 6).Select(_ => draw.Next()));
    }

    [Fact]
    public void Bounded_numbers_stay_below_their_bound_and_are_even()
    {
        var draw = new Pcg32(1, DrawStream.Pods);
        var counts = new int[7];
        for (var i = 0; i < 70_000; i++)
        {
            counts[draw.Next(7)]++;
        }

        Assert.All(counts, c => Assert.InRange(c, 9_600, 10_400));
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.InRange(draw.NextUnit(), double.Epsilon, 1 - 1e-16));
    }

    [Fact]
    public void A_trace_that_asks_for_less_is_shuffled_and_then_followed_by_copies()
    {
        var (cluster, trace) = (TimedRunTests.Cluster("10xT4:4"), Ones(30));
        var arrivals = FillDraw.Draw(trace, cluster, cluster.Nodes.Length, 1.3, 42);
        Assert.Equal(52, arrivals.Pods.Length); // 1.3 of 40 GPUs
        Assert.Equal(Enumerable.Range(0, 30), arrivals.Pods.Take(30).Order());
        Assert.NotEqual(Enumerable.Range(0, 30), arrivals.Pods.Take(30));
        Assert.Equal(Enumerable.Range(0, 10), arrivals.Nodes.Order());
        Assert.Equal(arrivals.Pods, FillDraw.Draw(trace, cluster, cluster.Nodes.Length, 1.3, 42).Pods);
        Assert.NotEqual(arrivals.Pods, FillDraw.Draw(trace, cluster, cluster.Nodes.Length, 1.3, 43).Pods);
    }

    [Fact]
    public void A_trace_that_asks_for_more_loses_pods_at_random()
    {
        var (cluster, trace) = (TimedRunTests.Cluster("10xT4:4"), Ones(100));
        var arrivals = FillDraw.Draw(trace, cluster, cluster.Nodes.Length, 1.3, 42);
        Assert.Equal(52, arrivals.Pods.Distinct().Count());
        Assert.Equal(52, arrivals.Pods.Length);
        Assert.Contains(arrivals.Pods, p => p >= 52);
    }

    [Fact]
    public void A_trace_without_GPUs_cannot_fill_a_cluster()
    {
        var trace = new Trace("cpu", [new TracePod("p", TracePod.TemplateOf(Core.Requests.GpuRequest.None, 1000, 0), TracePod.NoTime, TracePod.NoTime)]) { Source = "test" };
        Assert.Contains("no pod asks for a GPU", Assert.Throws<InputException>(() => FillDraw.Draw(trace, TimedRunTests.Cluster("1xT4:4"), 1, 1.3, 1)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(NodeOrder.CpuPerGpuAscending, new[] { 1, 0, 2, 3 })]
    [InlineData(NodeOrder.CpuPerGpuDescending, new[] { 3, 2, 0, 1 })]
    [InlineData(NodeOrder.SmallFirst, new[] { 3, 2, 0, 1 })]
    [InlineData(NodeOrder.BigFirst, new[] { 1, 0, 2, 3 })]
    [InlineData(NodeOrder.Given, new[] { 0, 1, 2, 3 })]
    [InlineData(NodeOrder.Random, new[] { 2, 0, 3, 1 })]
    internal void Nodes_come_in_the_order_asked_for(NodeOrder order, int[] expected)
    {
        var cluster = TimedRunTests.Cluster("1xT4:4:64", "1xT4:8:64", "1xT4:2:64", "1xcpu:0:64");
        Assert.Equal(expected, NodeOrders.Arrange(order, cluster.Nodes, [2, 0, 3, 1]));
    }

    private static Trace Ones(int count)
    {
        var template = TimedRunTests.Gpus(1);
        return new Trace("ones", [.. Enumerable.Range(0, count).Select(i => new TracePod($"p{i:D3}", template, TracePod.NoTime, TracePod.NoTime))]) { Source = "test" };
    }
}
