using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;

namespace GpuScheduler.Benchmarks;

/// <summary>
/// Pods per second of a real kube-scheduler, percentageOfNodesToScore 100: with an extender that does nothing, with ours, and with
/// ours answering one node; or, for gangs, with ours for the same pods one by one and in gangs, and how long it takes from the creation of a
/// gang's last member until all are bound. The modes take turns on one control plane, so that they share whatever else the machine does.
/// </summary>
internal static class ThroughputBenchmark
{
    /// <summary>What the API server sets itself.</summary>
    private static readonly string[] s_serverFields = ["uid", "resourceVersion", "creationTimestamp", "managedFields"];

    public static async Task<int> RunAsync(int nodes, int pods, int rounds, int[] gangs, CancellationToken cancellation)
    {
        if (ControlPlaneBinaries.TryFind(out var whyNot) is not { } binaries)
        {
            await Console.Error.WriteLineAsync(whyNot);
            return 2;
        }

        if (gangs.FirstOrDefault(g => g < 2 || pods % g != 0) is not 0 and var odd)
        {
            await Console.Error.WriteLineAsync($"--gang {odd}: sizes from 2 on that divide --pods ({pods}) are allowed");
            return 2;
        }

        Console.WriteLine($"kube-scheduler {binaries.SchedulerVersion}, {nodes} nodes, {pods} pods a run, {rounds} rounds");
        await using var plane = await TestControlPlane.StartAsync(binaries, null, cancellation);
        await CreateNodesAsync(plane, nodes, cancellation);
        var kubeconfig = plane.WriteKubeconfig(plane.AdminToken);
        (string Name, string[] Arguments, int Gang)[] modes = gangs.Length > 0
            ? [("one by one", ["--kubeconfig", kubeconfig], 1), .. gangs.Select(g => ($"gangs of {g}", (string[])["--kubeconfig", kubeconfig], g))]
            :
            [
                ("does nothing", ["--kubeconfig", kubeconfig, "--do-nothing"], 1),
                ("gpu-scheduler", ["--kubeconfig", kubeconfig], 1),
                ("one-node answers", ["--kubeconfig", kubeconfig, "--answer-one-node"], 1),
            ];
        var results = modes.ToDictionary(m => m.Name, _ => new List<(double Rate, double CycleMs, double WholeSeconds)>());
        for (var round = 0; round < rounds; round++)
        {
            // Each round begins with another mode: what a run leaves behind in etcd meets all of them.
            for (var turn = 0; turn < modes.Length; turn++)
            {
                var (name, arguments, gang) = modes[(round + turn) % modes.Length];
                var result = await OneAsync(plane, arguments, pods, gang, cancellation);
                results[name].Add(result);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  round {round + 1}  {name,-18} {result.Rate,8:F1} pods/s  {result.CycleMs,7:F2} ms a cycle  {result.WholeSeconds,7:F2} s until a last gang is whole"));
            }
        }

        var nothing = results[modes[0].Name];
        foreach (var (name, runs) in results)
        {
            var rate = Median(runs, r => r.Rate);
            var cycle = Median(runs, r => r.CycleMs);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-18} median {rate,6:F1} pods/s ({runs.Min(r => r.Rate):F1} to {runs.Max(r => r.Rate):F1}), {rate / Median(nothing, r => r.Rate):F3} of \"{modes[0].Name}\"; {cycle:F2} ms a cycle, {cycle / Median(nothing, r => r.CycleMs):F3}; {Median(runs, r => r.WholeSeconds):F2} s until a last gang is whole"));
        }

        return 0;
    }

    private static async Task<(double Rate, double CycleMs, double WholeSeconds)> OneAsync(TestControlPlane plane, string[] arguments, int pods, int gang, CancellationToken cancellation)
    {
        await CreatePodsAsync(plane.Client, 0, pods, gang, cancellation);
        await using var service = await ServiceProcess.StartAsync(typeof(Extender.ExtenderOptions).Assembly.Location, arguments, cancellation);
        await using var scheduler = await plane.StartSchedulerAsync(new KubeSchedulerSetup
        {
            SchedulerNames = ["gpu-scheduler"],
            ExtenderUrlPrefix = service.Url,
            Verbs = ExtenderVerbs.Filter | ExtenderVerbs.Prioritize | ExtenderVerbs.Bind,
            HttpTimeout = TimeSpan.FromSeconds(30),
            NodeCacheCapable = true,
            Weight = 20,
        }, cancellation);

        // From the first bind to the last, by the number bound at each look: the scheduler's start is not counted.
        long first = 0;
        var atFirst = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromMinutes(4);)
        {
            var bound = (await plane.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", cancellationToken: cancellation)).Items.Count;
            var now = Stopwatch.GetTimestamp();
            if (bound > 0 && first == 0)
            {
                (first, atFirst) = (now, bound);
            }

            if (bound == pods)
            {
                var rate = (bound - atFirst) / Stopwatch.GetElapsedTime(first, now).TotalSeconds;
                var cycle = await CycleMsAsync(scheduler, cancellation);
                var whole = await WholeSecondsAsync(plane.Client, pods, gang, cancellation);
                await plane.Client.CoreV1.DeleteCollectionNamespacedPodAsync("default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: cancellation);
                return (rate, cycle, whole);
            }

            await Task.Delay(50, cancellation);
        }

        throw new TimeoutException("not all pods were bound in 4 minutes: " + scheduler.LogTail(20));
    }

    /// <summary>On the cluster as it is, with nothing else to do: all but one member of a gang wait, the last is created, until all are bound.</summary>
    private static async Task<double> WholeSecondsAsync(IKubernetes client, int pods, int gang, CancellationToken cancellation)
    {
        await CreatePodsAsync(client, pods, gang - 1, gang, cancellation);
        await Task.Delay(TimeSpan.FromSeconds(2), cancellation);
        var clock = Stopwatch.StartNew();
        await CreatePodsAsync(client, pods + gang - 1, 1, gang, cancellation);
        for (; clock.Elapsed < TimeSpan.FromMinutes(2); await Task.Delay(20, cancellation))
        {
            var bound = (await client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", labelSelector: $"gang={pods / gang}", cancellationToken: cancellation)).Items.Count;
            if (bound == gang)
            {
                return clock.Elapsed.TotalSeconds;
            }
        }

        throw new TimeoutException("a gang was not whole within 2 minutes");
    }

    private static async Task CreateNodesAsync(TestControlPlane plane, int nodes, CancellationToken cancellation)
    {
        var objects = new BenchCluster(nodes).NodeObjects;
        await Parallel.ForEachAsync(objects, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (json, token) =>
        {
            var node = JsonNode.Parse(json)!.AsObject();
            node["apiVersion"] = "v1";
            node["kind"] = "Node";
            var metadata = node["metadata"]!.AsObject();
            foreach (var set in s_serverFields)
            {
                metadata.Remove(set);
            }

            node["spec"]!.AsObject().Remove("podCIDR");
            node["spec"]!.AsObject().Remove("podCIDRs");
            await plane.Client.CoreV1.CreateNodeAsync(KubernetesJson.Deserialize<V1Node>(node.ToJsonString()), cancellationToken: token);
        });
    }

    /// <summary>Pods by number; each <paramref name="gang"/> in a row are a gang.</summary>
    private static async Task CreatePodsAsync(IKubernetes client, int first, int count, int gang, CancellationToken cancellation) =>
        await Parallel.ForEachAsync(Enumerable.Range(first, count), new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellation }, async (i, token) =>
        {
            var number = (i / gang).ToString(CultureInfo.InvariantCulture);
            var annotations = gang == 1 ? null : new Dictionary<string, string> { ["gpuscheduler.io/gang-name"] = $"gang-{number}", ["gpuscheduler.io/gang-size"] = gang.ToString(CultureInfo.InvariantCulture) };
            var resources = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("4"), ["nvidia.com/gpu"] = new("1") };
            await client.CoreV1.CreateNamespacedPodAsync(new V1Pod
            {
                Metadata = new V1ObjectMeta { Name = $"bench-{i}", Labels = new Dictionary<string, string> { ["gang"] = number }, Annotations = annotations },
                Spec = new V1PodSpec
                {
                    SchedulerName = "gpu-scheduler",
                    AutomountServiceAccountToken = false,
                    TerminationGracePeriodSeconds = 0,
                    Containers = [new V1Container { Name = "main", Image = "train:1", Resources = new V1ResourceRequirements { Requests = resources, Limits = resources } }],
                },
            }, "default", cancellationToken: token);
        });

    /// <summary>kube-scheduler's own mean of a scheduling cycle, calls to the extender included, in ms.</summary>
    private static async Task<double> CycleMsAsync(KubeSchedulerProcess scheduler, CancellationToken cancellation)
    {
        var metrics = await scheduler.ReadMetricsAsync(cancellation);
        double Of(string end) => metrics.Where(m => m.Key.StartsWith("scheduler_scheduling_algorithm_duration_seconds" + end, StringComparison.Ordinal)).Sum(m => m.Value);
        return Of("_count") is > 0 and var count ? Of("_sum") / count * 1000 : double.NaN;
    }

    private static double Median(List<(double Rate, double CycleMs, double WholeSeconds)> runs, Func<(double Rate, double CycleMs, double WholeSeconds), double> value)
    {
        var sorted = runs.Select(value).Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
