using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;

namespace GpuScheduler.Core.Tests.Demand;

/// <summary>A cluster with the service's policy, and the pods that it is made to expect.</summary>
internal sealed class DemandWorld
{
    private int _next;

    public DemandWorld(params NodeBuilder[] nodes)
        : this(null, nodes)
    {
    }

    public DemandWorld(TypicalPods? expected, params NodeBuilder[] nodes)
    {
        Cluster = ClusterOf(nodes);
        Profile = Profile.Create(new ScoreWeights(), expected).WithNodeResources();
        Engine = new SchedulingEngine(Cluster, new EngineOptions { Profile = Profile });
    }

    public ClusterState Cluster { get; }

    public Profile Profile { get; }

    public SchedulingEngine Engine { get; }

    public static ClusterState ClusterOf(params IEnumerable<NodeBuilder> nodes)
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        foreach (var node in nodes)
        {
            cluster.UpsertNode(node.Build());
        }

        return cluster;
    }

    /// <summary>A node with GPUs of a model that has no links.</summary>
    public static NodeBuilder Node(string name, int gpus, int cores, string product = "NVIDIA-L40S") =>
        new NodeBuilder(name).Gpus(product, gpus).Allocatable("cpu", $"{cores}");

    /// <summary>A pod of whole GPUs or, below 1, of a share.</summary>
    public static PodBuilder Pod(string uid, double gpus, int cores)
    {
        var pod = new PodBuilder(uid).Request("cpu", $"{cores}");
        return gpus < 1 ? pod.Share(milli: (int)Math.Round(gpus * 1000)) : pod.Gpus((int)gpus);
    }

    /// <summary>Lets so many pods of each kind arrive and go away again, by turns.</summary>
    public DemandWorld Expect(int rounds, params (double Gpus, int Cores, string? Model)[] kinds)
    {
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (gpus, cores, model) in kinds)
            {
                var pod = Pod($"expected-{_next++}", gpus, cores);
                Profile.Observer!.Observe((model is null ? pod : pod.Model(model)).Build(), isNew: true, Cluster.Current);
            }
        }

        return this;
    }

    /// <summary>Puts a pod on a node for good: on a card, or on whole ones from that on.</summary>
    public DemandWorld Run(string node, double gpus, int cores, int card = 0)
    {
        AssignedDevice[] devices = gpus < 1
            ? [new AssignedDevice(card, Milli: (int)Math.Round(gpus * 1000))]
            : [.. Enumerable.Range(card, (int)gpus).Select(g => new AssignedDevice(g))];
        Cluster.UpsertPod(Pod($"running-{_next++}", gpus, cores).On(node, new DeviceAssignment([.. devices])).Build());
        return this;
    }

    /// <summary>Where a pod would go.</summary>
    public (string? Node, int[] Cards) PlaceFor(PodInfo pod)
    {
        var decision = Engine.Schedule(pod);
        Cluster.DeletePod(pod.Uid);
        return (decision.Node, [.. decision.Devices.Devices.Select(d => d.Gpu)]);
    }

    /// <summary>The node that a pod would go to.</summary>
    public string? NodeFor(double gpus, int cores) => PlaceFor(Pod($"asked-{_next++}", gpus, cores).Build()).Node;

    /// <summary>The node that a pod without GPUs would go to.</summary>
    public string? NodeForCpu(int cores) => PlaceFor(new PodBuilder($"asked-{_next++}").Request("cpu", $"{cores}").Build()).Node;
}
