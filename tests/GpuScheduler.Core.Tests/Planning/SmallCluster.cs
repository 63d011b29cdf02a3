using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;

namespace GpuScheduler.Core.Tests.Planning;

/// <summary>A cluster of whole GPUs, small enough that every placement can be tried.</summary>
internal sealed class SmallCluster
{
    public const string Product = "NVIDIA-L40S";

    public SmallCluster() => Engine = new SchedulingEngine(State, new EngineOptions { Gangs = new GangOptions() });

    public ClusterState State { get; } = new(new ManualTimeProvider(), new LedgerOptions());

    public SchedulingEngine Engine { get; }

    public SmallCluster Node(string name, int gpus, string rack = "")
    {
        var node = new NodeBuilder(name).Gpus(Product, gpus);
        State.UpsertNode((rack.Length > 0 ? node.Label("network.topology.nvidia.com/leaf", rack) : node).Build());
        return this;
    }

    /// <summary>A pod that runs on GPUs from an index on.</summary>
    public SmallCluster Bound(string uid, string node, int first, int count, string gang = "", int size = 0, string rack = "")
    {
        var pod = new PodBuilder(uid).Gpus(count).On(node, new DeviceAssignment([.. Enumerable.Range(first, count).Select(i => new AssignedDevice(i))]));
        State.UpsertPod(Ganged(pod, gang, size, rack).Build());
        return this;
    }

    public SmallCluster Waits(string uid, int count, string gang = "", int size = 0, string rack = "", int priority = 0)
    {
        State.UpsertPod(Ganged(new PodBuilder(uid).Gpus(count).Priority(priority), gang, size, rack).Build());
        return this;
    }

    private static PodBuilder Ganged(PodBuilder pod, string gang, int size, string rack)
    {
        if (gang.Length > 0)
        {
            pod.Annotate("gpuscheduler.io/gang-name", gang).Annotate("gpuscheduler.io/gang-size", size.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        return rack.Length > 0 ? pod.Annotate("gpuscheduler.io/gang-required-topology", rack) : pod;
    }

    /// <summary>Free GPUs by node.</summary>
    public Dictionary<string, int> Free() => State.Current.Nodes.OfType<NodeInfo>().ToDictionary(n => n.Facts.Name, n => n.FreeGpus);

    /// <summary>All that is held, in a form that can be compared.</summary>
    public string Holds() => string.Join('\n', State.Current.Nodes.OfType<NodeInfo>().SelectMany(n => n.Allocations).Select(a => $"{a.Pod} {a.Node} {a.State} {a.Devices.ToAnnotation()}").Order(StringComparer.Ordinal));

    /// <summary>The oracle: tries every node for every size.</summary>
    public static bool Fits(ReadOnlySpan<int> sizes, int[] free)
    {
        if (sizes.IsEmpty)
        {
            return true;
        }

        for (var i = 0; i < free.Length; i++)
        {
            if (free[i] >= sizes[0])
            {
                free[i] -= sizes[0];
                var fits = Fits(sizes[1..], free);
                free[i] += sizes[0];
                if (fits)
                {
                    return true;
                }
            }
        }

        return false;
    }
}
