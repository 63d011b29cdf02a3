using System.Globalization;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Fragmentation;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Core.Requests;
using GpuScheduler.Testing;

namespace GpuScheduler.Core.Tests.Policies;

/// <summary>A small cluster and a stream of pods of the published experiment's kinds, for the engine and for an oracle.</summary>
internal sealed class OracleWorld
{
    private static readonly string[] s_models = ["G2", "T4", "V100M16", "P100"];
    private static readonly string[] s_specs = ["", "", "", "T4", "G2|T4", "V100M16|P100|V100M16"];

    public OracleWorld(Random random, int most = 12)
    {
        var machines = Enumerable.Range(0, random.Next(1, 4)).Select(_ => (
            Model: s_models[random.Next(s_models.Length)],
            Cards: 1 << random.Next(4),
            Cpu: random.Next(1, 129) * 1000,
            Memory: random.Next(1, 65) * 4096,
            Pods: random.Next(4) == 0 ? random.Next(1, 6) : 110)).ToList();
        for (var i = random.Next(1, most); i > 0; i--)
        {
            var (model, cards, cpu, memory, pods) = machines[random.Next(machines.Count)];
            Nodes.Add(new OracleNode(model, cpu, memory, cards, pods));
        }

        int[] sizes = [.. Enumerable.Range(0, 5).Select(_ => random.Next(1, 100) * 10)];
        Kinds = [.. Enumerable.Range(0, random.Next(2, 20)).Select(_ => Kind(random, sizes))];
        Typical = PlacementOracle.Learn([.. Enumerable.Range(0, 200).Select(_ => Draw(random))]);
    }

    public List<OracleNode> Nodes { get; } = [];

    public IReadOnlyList<OraclePod> Kinds { get; }

    public IReadOnlyList<(OraclePod Pod, double Share)> Typical { get; }

    public TypicalPods TypicalPods => new(Typical.Select(t => (new TypicalPod(t.Pod.Cpu, t.Pod.Cards, t.Pod.Milli, t.Pod.Models), t.Share)));

    public ClusterState Cluster()
    {
        var cluster = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
        for (var i = 0; i < Nodes.Count; i++)
        {
            cluster.UpsertNode(new NodeBuilder(NameOf(i)).Gpus(Nodes[i].Model, Nodes[i].CardCount)
                .Allocatable("cpu", Text(Nodes[i].TotalCpu) + "m").Allocatable("memory", Text(Nodes[i].TotalMemory) + "Mi").Allocatable("pods", Text(Nodes[i].MostPods)).Build());
        }

        return cluster;
    }

    public OraclePod Draw(Random random) => Kinds[Math.Min(random.Next(Kinds.Count), random.Next(Kinds.Count))] with { Memory = random.Next(64) * 512 };

    public static string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node-{node:000}");

    public static PodInfo Pod(string uid, OraclePod pod)
    {
        var builder = new PodBuilder(uid).Request("cpu", Text(pod.Cpu) + "m").Request("memory", Text(pod.Memory) + "Mi");
        if (pod.Cards > 0 && pod.Milli == 1000)
        {
            builder.Gpus(pod.Cards);
        }
        else if (pod.Cards > 0)
        {
            builder.Share(milli: pod.Milli, count: pod.Cards);
        }

        return (pod.Models.Length > 0 ? builder.Model(pod.Models) : builder).Build();
    }

    private static OraclePod Kind(Random random, int[] sizes)
    {
        var cpu = random.Next(1, 33) * 500;
        var kind = random.Next(10) switch
        {
            < 5 => new OraclePod(cpu, 0, 1, sizes[random.Next(sizes.Length)]),
            < 8 => new OraclePod(cpu, 0, 1 << random.Next(4), 1000),
            _ => new OraclePod(cpu, 0, 0, 0),
        };
        return kind.Cards > 0 ? kind with { Models = s_specs[random.Next(s_specs.Length)] } : kind;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
