using BenchmarkDotNet.Attributes;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Benchmarks;

/// <summary>The engine without any wire: what scanning a cluster costs.</summary>
[MemoryDiagnoser]
public class EngineBenchmarks
{
    private SchedulingEngine _engine = null!;
    private Snapshot _snapshot = null!;
    private PodInfo _pod = null!;
    private int[] _candidates = null!;
    private Status[] _statuses = null!;
    private int[] _scores = null!;

    /// <summary>Cluster size.</summary>
    [Params(100, 1000, 5000)]
    public int Nodes { get; set; }

    /// <summary>GPUs asked for.</summary>
    [Params(1, 4)]
    public int Gpus { get; set; }

    /// <summary>Makes the cluster.</summary>
    [GlobalSetup]
    public void Setup()
    {
        var file = Path.GetTempFileName();
        File.WriteAllBytes(file, new BenchCluster(Nodes).Snapshot());
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        SnapshotFile.Load(file).ApplyTo(state);
        File.Delete(file);
        _engine = new SchedulingEngine(state, new EngineOptions());
        _snapshot = state.Current;
        _pod = new PodInfo { Uid = "pod", Namespace = "default", Name = "pod", Request = new GpuRequest { WholeGpus = Gpus } };
        _candidates = [.. Enumerable.Range(0, Nodes)];
        _statuses = new Status[Nodes];
        _scores = new int[Nodes];
    }

    /// <summary>Filter.</summary>
    [Benchmark]
    public int Filter() => _engine.Filter(_pod, _snapshot, _candidates, _statuses);

    /// <summary>Prioritize, the tentative hold included.</summary>
    [Benchmark]
    public void Prioritize() => _engine.Prioritize(_pod, _snapshot, _candidates, _scores);

    /// <summary>The best set of GPUs on every node, by table.</summary>
    [Benchmark]
    public ulong PickOnEveryNode()
    {
        var all = 0UL;
        foreach (var node in _snapshot.Nodes)
        {
            if (node!.Facts.Sets.TryPick(node.IdleMask, Gpus, NvlinkRequirement.Unspecified, out var set))
            {
                all ^= set.Mask;
            }
        }

        return all;
    }
}
