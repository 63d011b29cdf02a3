using System.Collections.Immutable;
using System.Globalization;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Requests.Dialects;

/// <summary>Pods of all stacks on nodes with all device plugins, by the engine; judged by what the pods say and what is written for the plugins.</summary>
public class MixedDialectsTests
{
    private static readonly int[] s_memory = [15_109, 16_160, 40_960, 40_536];

    [Fact]
    public void No_GPU_is_promised_beyond_its_memory_and_compute_in_whatever_words_pods_ask()
    {
        var bound = 0;
        var refused = 0;
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var state = new ClusterState(new ManualTimeProvider(), new LedgerOptions());
                var nodes = Enumerable.Range(0, 4).Select(i => AddNode(state, i, random)).ToDictionary(n => n.Name);
                var engine = new SchedulingEngine(state, new EngineOptions());
                var running = new List<(Asked Asked, PodInfo Pod, string Node, DeviceAssignment Devices)>();
                for (var i = 0; i < 60; i++)
                {
                    if (running.Count > 0 && random.Next(4) == 0)
                    {
                        var gone = running[random.Next(running.Count)];
                        running.Remove(gone);
                        state.DeletePod(gone.Pod.Uid);
                    }

                    var asked = Ask(random);
                    var pod = DialectRequestTests.Read(asked.Words, uid: $"p{i}");
                    Assert.Null(pod.Invalid);
                    state.UpsertPod(pod);
                    var names = nodes.Keys.Where(n => Passes(engine, pod, n)).ToList();
                    if (names.Count == 0)
                    {
                        refused++;
                        continue;
                    }

                    var node = names[random.Next(names.Count)];
                    var promise = engine.Promise(pod, node);
                    Assert.True(promise.IsGranted, promise.Refusal);
                    var devices = promise.Allocation.Devices;
                    bound++;

                    // Half of them come back from the API in the words of their plugin alone, as if its own scheduler had bound them.
                    var facts = state.Current.Find(node)!.Facts;
                    var onApi = pod with { NodeName = node, Containers = [], Assignment = devices };
                    if (random.Next(2) == 0 && PluginContracts.Of(pod, facts, DialectSet.All) is { } dialect)
                    {
                        Assert.True(PluginContracts.TryWrite(dialect, pod, facts, devices, DateTimeOffset.UnixEpoch, out var contract, out var why), why);
                        var peer = PeerAssignment.Read(contract.Annotations.ToDictionary(), node, pod.Request);
                        Assert.NotNull(peer);
                        onApi = onApi with { Assignment = null, PeerAssignment = peer };
                        if (pod.Containers.Count(c => c.Count > 0) <= 1)
                        {
                            Assert.Equal(Shown(devices, nodes[node]), Shown(peer.Resolve(facts)!, nodes[node]));
                        }
                    }

                    state.UpsertPod(onApi);
                    running.Add((asked, pod, node, devices));
                    Assert.False(state.Current.Find(node)!.HasConflict);
                    Audit(running, nodes);
                }
            },
            iter: 150,
            threads: 1);
        Assert.True(bound > 2_000 && refused > 200, $"{bound} bound, {refused} refused");
    }

    private static bool Passes(SchedulingEngine engine, PodInfo pod, string node)
    {
        var statuses = new Status[1];
        var snapshot = engine.Cluster.Current;
        return engine.Filter(pod, snapshot, [snapshot.Index.Find(node)], statuses) == 1;
    }

    /// <summary>Adds up by itself, from the words alone, what each GPU gives.</summary>
    private static void Audit(List<(Asked Asked, PodInfo Pod, string Node, DeviceAssignment Devices)> running, Dictionary<string, World> nodes)
    {
        foreach (var group in running.SelectMany(r => r.Devices.Devices.Select(d => (r.Asked, Node: nodes[r.Node], d.Gpu))).GroupBy(u => (u.Node.Name, u.Gpu)))
        {
            var node = group.First().Node;
            var all = node.MemoryMiB;
            var memory = group.Sum(u => u.Asked.IsWhole ? all : u.Asked.Percent > 0 ? (long)all * u.Asked.Percent / 100 : u.Asked.Units > 0 ? (long)u.Asked.Units * node.UnitMiB : u.Asked.MiB);
            var cores = group.Sum(u => u.Asked.IsWhole ? 100 : u.Asked.Cores);
            Assert.True(memory <= all, $"{group.Key}: {memory} of {all} MiB");
            Assert.True(cores <= 100, $"{group.Key}: {cores} percent");
        }

        foreach (var (asked, _, node, devices) in running)
        {
            Assert.Equal(asked.Count, devices.Devices.Select(d => d.Gpu).Distinct().Count());
            Assert.True(asked.Plugin == DevicePlugins.None || nodes[node].Plugin == asked.Plugin, $"{asked.Words} on a node with {nodes[node].Plugin}");
        }
    }

    private static string Shown(DeviceAssignment devices, World node) => string.Join(' ', devices.Devices.Select(d =>
        string.Create(CultureInfo.InvariantCulture, $"{d.Gpu}:{(d.IsWhole ? node.MemoryMiB : d.MemoryMiB)}:{(d.IsWhole ? 1000 : d.Milli)}")));

    private static World AddNode(ClusterState state, int number, Random random)
    {
        var plugin = (DevicePlugins)(number == 3 ? 0 : 1 << number);
        var gpus = random.Next(1, 5);
        var memory = s_memory[random.Next(s_memory.Length)];
        var unit = random.Next(2) == 0 ? 1024 : 1;
        var name = $"n{number}";
        var node = new NodeBuilder(name);
        _ = plugin switch
        {
            DevicePlugins.Gpushare => node.Allocatable("aliyun.com/gpu-count", Text(gpus)).Allocatable("aliyun.com/gpu-mem", Text(memory / unit * gpus)),
            DevicePlugins.Hami => node.Whole(gpus * 10),
            DevicePlugins.Volcano => node.Allocatable("volcano.sh/vgpu-number", Text(gpus * 10)),
            _ => node.Whole(gpus),
        };
        state.UpsertNode(node.Build());
        state.UpsertReport(name, new NodeReport([.. Enumerable.Range(0, gpus).Select(i => new GpuInfo { Index = i, Uuid = $"GPU-{number}-{i}", MemoryMiB = memory })], null, null));
        return new World(name, plugin, memory, unit);
    }

    private static Asked Ask(Random random)
    {
        var count = random.Next(1, 3);
        var mebibytes = random.Next(1, 20) * 777;
        var percent = random.Next(1, 100);
        var cores = random.Next(2) == 0 ? 0 : random.Next(1, 100);
        var prefix = random.Next(2) == 0 ? ("nvidia.com/gpu", "nvidia.com/gpu") : ("volcano.sh/vgpu-number", "volcano.sh/vgpu-");
        var (number, mem, share, core) = (prefix.Item1, prefix.Item2 + (prefix.Item1 == prefix.Item2 ? "mem" : "memory"), prefix.Item2 + (prefix.Item1 == prefix.Item2 ? "mem" : "memory") + "-percentage", prefix.Item2 + "cores");
        var plugin = prefix.Item1 == prefix.Item2 ? DevicePlugins.Hami : DevicePlugins.Volcano;
        var withCores = cores > 0 ? $" {core}={cores}" : "";
        return random.Next(8) switch
        {
            0 => new Asked($"nvidia.com/gpu={count}", count) { IsWhole = true },
            1 => new Asked($"{number}={count} {mem}={mebibytes}{withCores}", count) { MiB = mebibytes, Cores = cores, Plugin = plugin },
            2 => new Asked($"{number}={count} {share}={percent}{withCores}", count) { Percent = percent, Cores = cores, Plugin = plugin },
            3 => new Asked($"{number}=1 {mem}={mebibytes} {core}=40 / {number}=1 {mem}=100 {core}=10", 1) { MiB = mebibytes + 100, Cores = 50, Plugin = plugin },
            4 => new Asked($"@gpu-fraction=0.{percent:00} @gpu-fraction-num-devices={count}", count) { Percent = percent, Cores = percent },
            5 => new Asked($"@gpu-memory={mebibytes}", 1) { MiB = mebibytes },
            6 => new Asked($"@gpuscheduler.io/gpu-memory={mebibytes}Mi @gpuscheduler.io/gpu-count={count}", count) { MiB = mebibytes },
            _ => new Asked($"aliyun.com/gpu-mem={percent}", 1) { Units = percent, Plugin = DevicePlugins.Gpushare },
        };
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed record World(string Name, DevicePlugins Plugin, int MemoryMiB, int UnitMiB);

    private sealed record Asked(string Words, int Count)
    {
        public bool IsWhole { get; init; }

        public int MiB { get; init; }

        public int Percent { get; init; }

        public int Units { get; init; }

        public int Cores { get; init; }

        public DevicePlugins Plugin { get; init; }
    }
}
