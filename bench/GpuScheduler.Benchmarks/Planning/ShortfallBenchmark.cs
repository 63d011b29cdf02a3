using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Planning;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Solver;
using GpuScheduler.Testing;

namespace GpuScheduler.Benchmarks.Planning;

/// <summary>How far the search for the missing nodes comes in its time, on clusters that are nearly full and have a long queue.</summary>
internal static class ShortfallBenchmark
{
    private const int NodesPerRack = 16;
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static async Task<int> RunAsync(int[] sizes, int jobs, double seconds, FileInfo? json, CancellationToken cancellation)
    {
        var rows = new List<ShortfallRow>();
        Console.WriteLine($"{"nodes",6} {"jobs",5} {"seconds",8} {"room",5} {"helped",7} {"not",4} {"not tried",10} {"nodes added",12} {"at least",9}");
        foreach (var size in sizes)
        {
            var engine = Cluster(size, jobs);
            var clock = Stopwatch.StartNew();
            var found = CapacityPlanner.Find(engine, TimeSpan.FromSeconds(seconds), cancellation);
            var row = new ShortfallRow(size, jobs, clock.Elapsed.TotalSeconds, found.HaveRoom.Length, found.Helped.Length, found.NotHelped.Length, found.NotTried.Length, found.Add.Sum(a => a.Count), found.AtLeast);
            rows.Add(row);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{row.Nodes,6} {row.Jobs,5} {row.Seconds,8:F2} {row.HaveRoom,5} {row.Helped,7} {row.NotHelped,4} {row.NotTried,10} {row.Added,12} {row.AtLeast,9}{(found.IsFewest ? "  fewest" : "")}"));
        }

        if (json is not null)
        {
            await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(rows, s_indented), cancellation);
        }

        return 0;
    }

    /// <summary>Nodes of 8 GPUs in racks, all but one of 30 full; of the jobs a third are gangs of whole nodes, every other one of which has to be in one rack.</summary>
    private static SchedulingEngine Cluster(int nodes, int jobs)
    {
        var random = new Random(1);
        var state = new ClusterState(TimeProvider.System, new LedgerOptions());
        for (var i = 0; i < nodes; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"node-{i}");
            state.UpsertNode(new NodeBuilder(name).Gpus(i % 3 == 0 ? "NVIDIA-A100-SXM4-80GB" : "NVIDIA-H100-80GB-HBM3", 8)
                .Label("network.topology.nvidia.com/leaf", string.Create(CultureInfo.InvariantCulture, $"rack-{i / NodesPerRack}")).Build());
            var used = random.Next(30) > 0 ? 8 : random.Next(9);
            if (used > 0)
            {
                state.UpsertPod(new PodBuilder($"busy-{i}").Gpus(used).On(name, new DeviceAssignment([.. Enumerable.Range(0, used).Select(g => new AssignedDevice(g))])).Build());
            }
        }

        for (var i = 0; i < jobs; i++)
        {
            var members = i % 3 == 0 ? 2 << random.Next(4) : 1;
            for (var m = 0; m < members; m++)
            {
                var pod = new PodBuilder($"job-{i}-{m}").Gpus(members > 1 ? 8 : 1 << random.Next(4));
                if (members > 1)
                {
                    pod.Annotate("gpuscheduler.io/gang-name", $"job-{i}").Annotate("gpuscheduler.io/gang-size", members.ToString(CultureInfo.InvariantCulture));
                    if (i % 2 == 0 && members <= NodesPerRack)
                    {
                        pod.Annotate("gpuscheduler.io/gang-required-topology", "rack");
                    }
                }

                state.UpsertPod(pod.Build());
            }
        }

        return new SchedulingEngine(state, new EngineOptions { Gangs = new GangOptions { Placer = new GangSolver() } });
    }
}
