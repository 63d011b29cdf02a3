using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

public sealed class GpusLeftTests
{
    private readonly ClusterState _cluster = new(TimeProvider.System, new LedgerOptions());

    [Fact]
    public void What_is_left_is_told_apart_by_what_can_be_made_of_it()
    {
        Add("whole", n => n.Gpus("Tesla-V100-SXM2-32GB", 4));
        Pod("a", "whole", p => p.Gpus(1), new AssignedDevice(0));
        Pod("b", "whole", p => p.Share(milli: 300), new AssignedDevice(1, Milli: 300));
        Pod("full", "whole", p => p.Share(milli: 1000), new AssignedDevice(2, Milli: 1000));
        Add("mig", n => n.Gpus("NVIDIA-A100-SXM4-80GB", 1).Allocatable("nvidia.com/gpu", "0").Label("nvidia.com/mig.strategy", "mixed").Mig("3g.40gb", 2));
        Pod("m", "mig", p => p.Mig("3g.40gb"), new AssignedDevice(0, Mig: new MigPlacement("3g.40gb", 0, 4)));

        var left = GpusLeft.Of(_cluster.Current).ByKind;
        Assert.Equal((1, 1000), left[GpusLeft.Whole]);
        Assert.Equal((1, 700), left[GpusLeft.Share]);
        Assert.Equal((1, 500), left[GpusLeft.Mig]);
        Assert.Equal((0, 0), left[GpusLeft.Stranded]);
    }

    [Fact]
    public void Nothing_can_be_made_of_a_node_that_is_cordoned_or_has_no_CPU_left()
    {
        Add("cordoned", n => n.Gpus("Tesla-T4", 2).Taint(new NodeTaint("node.kubernetes.io/unschedulable", "", "NoSchedule")));
        Add("busy", n => n.Gpus("Tesla-T4", 1));
        Pod("hungry", "busy", p => p.Request("cpu", "8"));

        var left = GpusLeft.Of(_cluster.Current).ByKind;
        Assert.Equal((3, 3000), left[GpusLeft.Stranded]);
        Assert.Equal((0, 0), left[GpusLeft.Whole]);
    }

    [Fact]
    public void A_GPU_beyond_what_the_node_announces_is_stranded()
    {
        Add("fewer", n => n.Gpus("Tesla-T4", 4).Allocatable("nvidia.com/gpu", "3"));
        var left = GpusLeft.Of(_cluster.Current).ByKind;
        Assert.Equal((3, 3000), left[GpusLeft.Whole]);
        Assert.Equal((1, 1000), left[GpusLeft.Stranded]);
    }

    [Fact]
    public void The_oldest_hold_of_a_state_is_known_by_when_it_was_made()
    {
        var clock = new ManualTimeProvider();
        var cluster = new ClusterState(clock, new LedgerOptions());
        cluster.UpsertNode(new NodeBuilder("n").Gpus("Tesla-T4", 4).Allocatable("cpu", "8").Allocatable("memory", "64Gi").Build());
        Assert.Empty(cluster.OldestHolds());
        var engine = new Core.Framework.SchedulingEngine(cluster, new Core.Framework.EngineOptions());
        var first = clock.GetUtcNow();
        Assert.True(engine.Promise(new PodBuilder("1").Gpus(1).Build(), "n").IsGranted);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.True(engine.Promise(new PodBuilder("2").Gpus(1).Build(), "n").IsGranted);
        Assert.Equal(first, Assert.Single(cluster.OldestHolds()).Value);
        cluster.Commit("1");
        Assert.Equal([(AllocationState.Promised, first + TimeSpan.FromSeconds(10)), (AllocationState.Committed, first + TimeSpan.FromSeconds(10))], cluster.OldestHolds().OrderBy(h => h.Key).Select(h => (h.Key, h.Value)));
    }

    private void Add(string name, Func<NodeBuilder, NodeBuilder> build) =>
        _cluster.UpsertNode(build(new NodeBuilder(name).Allocatable("cpu", "8").Allocatable("memory", "64Gi")).Build());

    private void Pod(string uid, string node, Func<PodBuilder, PodBuilder> build, params AssignedDevice[] devices) =>
        _cluster.UpsertPod(build(new PodBuilder(uid)).On(node, devices.Length == 0 ? null : new DeviceAssignment([.. devices])).Build());
}
