using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;

namespace GpuScheduler.Benchmarks.Policies;

/// <summary>
/// A cluster of 8-GPU nodes of three kinds on which pods come and go: shares of a GPU and whole ones, with different amounts of CPU.
/// The same seed gives the same cluster and the same pods, whatever the policy.
/// </summary>
internal sealed class PolicyCluster
{
    private const int Gpus = 8;

    /// <summary>Part of the nodes that are empty at first, and of those that are half full; the others are full.</summary>
    private const double Empty = 0.05, Half = 0.1;

    /// <summary>Pods that each node is offered at first.</summary>
    private const int Offers = 25;

    private static readonly (string Product, int Cores)[] s_nodes = [("NVIDIA-H100-80GB-HBM3", 192), ("NVIDIA-A100-SXM4-80GB", 128), ("NVIDIA-L40S", 96)];

    /// <summary>What pods ask for: so much of one GPU in milli-GPU, or several whole ones; and how many of a hundred pods do.</summary>
    private static readonly (int Milli, int Weight)[] s_sizes = [(100, 10), (250, 15), (500, 15), (750, 5), (1000, 35), (2000, 8), (4000, 6), (8000, 6)];

    /// <summary>CPU of a pod, in cores a GPU.</summary>
    private static readonly int[] s_cores = [4, 8, 12, 16];

    private readonly Random _random = new(1);
    private readonly List<PodInfo> _templates = [];
    private readonly List<PodInfo> _running = [];
    private readonly long _fullMilli;
    private long _usedMilli;
    private int _arrived;

    /// <summary>Makes a cluster on which pods are put node by node, without a policy.</summary>
    public PolicyCluster(int nodes)
    {
        foreach (var (milli, weight) in s_sizes)
        {
            foreach (var cores in s_cores)
            {
                var pod = new PodBuilder("template").Request("cpu", string.Create(CultureInfo.InvariantCulture, $"{cores * milli}m"));
                var template = (milli < 1000 ? pod.Share(milli: milli) : pod.Gpus(milli / 1000)).Build();
                _templates.AddRange(Enumerable.Repeat(template, weight));
            }
        }

        State = new ClusterState(TimeProvider.System, new LedgerOptions());
        State.ReplaceNodes([.. Enumerable.Range(0, nodes).Select(Node)]);
        for (var i = 0; i < nodes; i++)
        {
            Occupy(NameOf(i), _random.NextDouble() switch { < Empty => 0, < Empty + Half => Gpus * 500, _ => Gpus * 1000 });
        }

        _fullMilli = _usedMilli;
    }

    /// <summary>The cluster.</summary>
    public ClusterState State { get; }

    /// <summary>The pods that come, as a policy may know them beforehand.</summary>
    public TypicalPods Typical => TypicalPods.Learn(_templates);

    /// <summary>GPU in use, in % of all.</summary>
    public double AllocatedPercent => _usedMilli / (10.0 * Gpus * State.Current.Nodes.Length);

    /// <summary>A pod that arrives.</summary>
    public PodInfo Arrive()
    {
        var uid = string.Create(CultureInfo.InvariantCulture, $"pod-{_arrived++}");
        return _templates[_random.Next(_templates.Count)] with { Uid = uid, Name = uid };
    }

    /// <summary>A pod runs from now on.</summary>
    public void Started(PodInfo pod)
    {
        _running.Add(pod);
        _usedMilli += SizeOf(pod);
    }

    /// <summary>Pods are over, any of them, at least one and as many as it takes for the cluster to be no fuller than at first.</summary>
    public void Leave()
    {
        do
        {
            var i = _random.Next(_running.Count);
            State.DeletePod(_running[i].Uid);
            _usedMilli -= SizeOf(_running[i]);
            _running[i] = _running[^1];
            _running.RemoveAt(_running.Count - 1);
        }
        while (_usedMilli > _fullMilli);
    }

    private static int SizeOf(PodInfo pod) => (pod.Request.WholeGpus * 1000) + pod.Request.ShareMilli;

    private static string NameOf(int i) => string.Create(CultureInfo.InvariantCulture, $"gpu-node-{i:D5}");

    private static NodeObject Node(int i)
    {
        var (product, cores) = s_nodes[i % s_nodes.Length];
        return new NodeBuilder(NameOf(i)).Gpus(product, Gpus).Allocatable("cpu", cores.ToString(CultureInfo.InvariantCulture)).Allocatable("memory", "2Ti").Allocatable("pods", "110").Build();
    }

    /// <summary>Offers pods to a node, of which it takes those that fit until so much of its GPUs is in use.</summary>
    private void Occupy(string node, int milli)
    {
        for (var offers = 0; offers < Offers && milli > 0; offers++)
        {
            var pod = Arrive();
            if (SizeOf(pod) <= milli && State.Promise(pod, node, info => info.FreeCpuMilli < pod.CpuMilli ? "too little CPU" : null).IsGranted)
            {
                State.Run(pod.Uid);
                Started(pod);
                milli -= SizeOf(pod);
            }
        }
    }
}
