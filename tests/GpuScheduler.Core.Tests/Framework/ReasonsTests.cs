using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Framework;

public class ReasonsTests
{
    private const string A100 = "NVIDIA-A100-SXM4-40GB";
    private const string T4 = "Tesla-T4";
    private static readonly NodeReport s_onDemand = new([new GpuInfo { Index = 0, Mig = MigMode.OnDemand }], null, null);

    [Fact]
    public void What_the_empty_node_lacks_preemption_cannot_cure()
    {
        AssertLasting(Reasons.NoGpu, new PodBuilder("p").Gpus(1), new NodeBuilder("n"));
        AssertLasting(Reasons.NoGpu, new PodBuilder("p").Share(milli: 1), new NodeBuilder("n"));
        AssertLasting(Reasons.NoGpu, new PodBuilder("p").Gpus(1), new NodeBuilder("n").Gpus(T4, 1), new NodeReport([new GpuInfo { Index = 0, Healthy = false }], null, null));
        AssertLasting(Reasons.Model, new PodBuilder("p").Gpus(1).Model("A10"), new NodeBuilder("n").Gpus(A100, 1));
        AssertLasting(Reasons.Model, new PodBuilder("p").Gpus(1).Model("A100"), new NodeBuilder("n").Whole(1));
        AssertLasting(Reasons.TooFewGpus, new PodBuilder("p").Gpus(2), new NodeBuilder("n").Gpus(T4, 1));
        AssertLasting(Reasons.TooFewGpus, new PodBuilder("p").Gpus(2), new NodeBuilder("n").Product(A100).Count(2).Whole(1));
        AssertLasting(Reasons.TooFewGpus, new PodBuilder("p").Gpus(int.MaxValue), new NodeBuilder("n").Gpus(T4, 1));
        AssertLasting(Reasons.TooFewGpus, new PodBuilder("p").Gpus(1), new NodeBuilder("n").Product(A100).Count(1), s_onDemand);
        AssertLasting(Reasons.Memory, new PodBuilder("p").Gpus(1).MinMemoryMiB(15_361), new NodeBuilder("n").Gpus(T4, 1));
        AssertLasting(Reasons.Memory, new PodBuilder("p").Share(milli: 100).MinMemoryMiB(15_361), new NodeBuilder("n").Gpus(T4, 1));
        AssertLasting(Reasons.Memory, new PodBuilder("p").Gpus(1).MinMemoryMiB(1), new NodeBuilder("n").Gpus("NVIDIA-Z900", 1));
        AssertLasting(Reasons.Memory, new PodBuilder("p").Mig("1g.5gb").MinMemoryMiB(5_000), new NodeBuilder("n").Product(A100), s_onDemand);
        AssertLasting(Reasons.NoNvlink, new PodBuilder("p").Gpus(2).Nvlink("required"), new NodeBuilder("n").Gpus("NVIDIA-L40S", 8));
        AssertLasting(Reasons.NoNvlink, new PodBuilder("p").Gpus(4).Nvlink("required"), new NodeBuilder("n").Gpus("NVIDIA-A100-80GB-PCIe", 8));
        AssertLasting(Reasons.NoNvlink, new PodBuilder("p").Share(milli: 100, count: 3).Nvlink("required"), new NodeBuilder("n").Gpus("NVIDIA-A100-80GB-PCIe", 8));
        AssertLasting(Reasons.NoMig, new PodBuilder("p").Mig("1g.5gb"), new NodeBuilder("n").Gpus(A100, 1));
        AssertLasting(Reasons.NoMig, new PodBuilder("p").Mig("1g.99gb"), new NodeBuilder("n").Product(A100), s_onDemand);
        AssertLasting(Reasons.NoMig, new PodBuilder("p").Mig("1g.5gb", 8), new NodeBuilder("n").Product(A100), s_onDemand);
        AssertLasting(Reasons.NoMig, new PodBuilder("p").Mig("1g.5gb.me", 2), new NodeBuilder("n").Product(A100), s_onDemand);
        AssertLasting(Reasons.NoMig, new PodBuilder("p").Mig("3g.20gb", 1), new NodeBuilder("n").Product(A100).Count(1).Mig("1g.5gb", 7));
        AssertLasting(Reasons.NoShare, new PodBuilder("p").Share(memoryMiB: 15_361), new NodeBuilder("n").Gpus(T4, 1));
        AssertLasting(Reasons.NoShare, new PodBuilder("p").Share(milli: 100, count: 2), new NodeBuilder("n").Gpus(T4, 1));
        AssertLasting(Reasons.NoShare, new PodBuilder("p").Share(milli: 100), new NodeBuilder("n").Product(T4 + "-SHARED").Count(1).Whole(4));
        AssertLasting(Reasons.NoShare, new PodBuilder("p").Share(milli: 100), new NodeBuilder("n").Product(A100).Count(1), s_onDemand);
    }

    [Fact]
    public void What_present_use_takes_away_preemption_could_cure_whoever_has_it()
    {
        AssertNow(Reasons.FewFreeGpus, new PodBuilder("p").Gpus(2), new NodeBuilder("n").Gpus(T4, 2), new PodBuilder("old").Gpus(1), [new AssignedDevice(0)]);
        AssertNow(Reasons.FewFreeGpus, new PodBuilder("p").Gpus(1), new NodeBuilder("n").Gpus(T4, 1), new PodBuilder("old").Share(milli: 1), [new AssignedDevice(0, Milli: 1)]);
        AssertNow(Reasons.FreeGpusNotLinked, new PodBuilder("p").Gpus(2).Nvlink("required"), new NodeBuilder("n").Gpus("NVIDIA-A100-80GB-PCIe", 4), new PodBuilder("old").Gpus(2), [new AssignedDevice(0), new AssignedDevice(2)]);
        AssertNow(Reasons.NoFreeShare, new PodBuilder("p").Share(milli: 600), new NodeBuilder("n").Gpus(T4, 1), new PodBuilder("old").Share(milli: 500), [new AssignedDevice(0, Milli: 500)]);
        AssertNow(Reasons.NoFreeShare, new PodBuilder("p").Share(memoryMiB: 1), new NodeBuilder("n").Gpus(T4, 1), new PodBuilder("old").Gpus(1), [new AssignedDevice(0)]);
        AssertNow(Reasons.NoFreeMig, new PodBuilder("p").Mig("7g.40gb"), new NodeBuilder("n").Product(A100), new PodBuilder("old").Mig("1g.5gb"), [new AssignedDevice(0, Mig: new MigPlacement("1g.5gb", 6, 1))], s_onDemand);
    }

    [Fact]
    public void A_tentative_hold_of_another_pod_has_a_reason_of_its_own()
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus(T4, 1).Build(), null);
        var node = NodeInfo.Build(facts, [new Allocation(new PodBuilder("old").Gpus(1).Build(), "n", new DeviceAssignment([new AssignedDevice(0)]), AllocationState.Tentative)]);
        Assert.Equal(Reasons.Held, Judge(new PodBuilder("p").Gpus(1).Priority(9), node));
    }

    [Fact]
    public void Every_reason_is_short_and_names_neither_nodes_nor_numbers()
    {
        var reasons = typeof(Reasons).GetProperties().Select(p => (Status)p.GetValue(null)!).ToList();
        Assert.Equal(reasons.Count, reasons.Select(r => r.Reason).Distinct().Count());
        Assert.All(reasons, r =>
        {
            Assert.InRange(r.Reason.Length, 5, 80);
            Assert.DoesNotContain(r.Reason, char.IsAsciiDigit);
            Assert.False(r.IsSuccess);
            Assert.Equal(r.Reason, System.Text.Json.JsonSerializer.Deserialize<string>(r.JsonReason.Span));
        });
    }

    private static Status Judge(PodBuilder pod, NodeInfo node)
    {
        var state = new CycleState(pod.Build());
        Assert.Null(state.Pod.Invalid);
        return Profile.DefaultFilters.Select(f => f.Filter(state, node)).FirstOrDefault(s => !s.IsSuccess) ?? Status.Success;
    }

    private static void AssertLasting(Status expected, PodBuilder pod, NodeBuilder node, NodeReport? report = null)
    {
        var facts = NodeFactsBuilder.Build(node.Build(), report);
        Assert.Equal(StatusCode.UnschedulableAndUnresolvable, expected.Code);
        Assert.Equal(expected, Judge(pod.Priority(9), facts.Empty));

        // Whoever else is there does not change what the node can do at all.
        if (facts.WholeMask != 0)
        {
            var used = NodeInfo.Build(facts, [new Allocation(new PodBuilder("old").Gpus(1).Build(), "n", new DeviceAssignment([new AssignedDevice(0)]), AllocationState.Bound)]);
            Assert.Equal(expected, Judge(pod, used));
        }
    }

    private static void AssertNow(Status expected, PodBuilder pod, NodeBuilder node, PodBuilder old, AssignedDevice[] held, NodeReport? report = null)
    {
        var facts = NodeFactsBuilder.Build(node.Build(), report);
        Assert.Equal(StatusCode.Unschedulable, expected.Code);
        Assert.Equal(Status.Success, Judge(pod, facts.Empty));
        var used = NodeInfo.Build(facts, [new Allocation(old.Priority(5).Build(), "n", new DeviceAssignment([.. held]), AllocationState.Bound)]);
        foreach (var priority in new[] { 6, 5, 4 })
        {
            Assert.Equal(expected, Judge(pod.Priority(priority), used));
        }
    }
}
