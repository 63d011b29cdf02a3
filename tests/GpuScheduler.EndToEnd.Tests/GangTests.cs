using System.Globalization;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Gangs on the real control plane, judged from the API server alone.</summary>
public sealed class GangTests
{
    private const int Nodes = 16;
    private const int GpusPerNode = 8;

    /// <summary>How long the binds of one burst may be seen to be under way: also those that a killed extender left behind.</summary>
    private static readonly TimeSpan s_burst = TimeSpan.FromSeconds(45);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Gangs_of_five_dialects_are_bound_whole_or_not_at_all_through_deletions_and_a_kill()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await Parallel.ForEachAsync(Enumerable.Range(0, Nodes), Cancellation, async (i, token) => await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100($"n{i:D2}", $"rack-{i / 4}"), cancellationToken: token));
        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        var gangs = Gangs(seed: 1, demand: Nodes * GpusPerNode * 11 / 10);
        var watched = new GangAudit(cluster.Client, gangs);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var watching = watched.WatchAsync(stop.Token);
        var random = new Random(1);
        var pods = gangs.SelectMany(g => Enumerable.Range(0, g.Members).Select(i => g.Pod(i))).OrderBy(_ => random.Next()).ToList();
        foreach (var part in pods.Chunk(pods.Count / 4 + 1).Index())
        {
            await cluster.AddPodsAsync(part.Item, Cancellation);
            if (part.Index == 2)
            {
                await cluster.StopExtenderAsync();
                await cluster.StartExtenderAsync(Cancellation);
            }
        }

        await ReplaceOneAsync(cluster, gangs);
        await watched.SettledAsync(TimeSpan.FromMinutes(4), Nodes, GpusPerNode, Cancellation);
        await stop.CancelAsync();
        await watching;
        TestContext.Current.TestOutputHelper?.WriteLine(watched.Summary);
        Assert.Empty(watched.Wrong(s_burst));
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
        Assert.True(watched.Running > 0, "no gang runs");
    }

    [Fact]
    public async Task A_waiting_gang_says_how_many_are_there_and_then_what_is_missing_and_runs_when_there_is_room()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        foreach (var name in new[] { "n0", "n1" })
        {
            await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100(name, "rack-0"), cancellationToken: Cancellation);
        }

        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("cluster-wide/kube-scheduler-config/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        await cluster.AddPodsAsync([Workload.Pod("other", "default-scheduler", Workload.Whole(8), [])], Cancellation);
        await cluster.BoundAsync(1, TimeSpan.FromMinutes(1), Cancellation);
        var gang = new GangJob("job", "gpuscheduler", 2, 8, "default-scheduler");
        await cluster.AddPodsAsync([gang.Pod(0)], Cancellation);
        await SaysAsync(cluster, "job-0", "1 of 2 members present");
        await cluster.AddPodsAsync([gang.Pod(1)], Cancellation);
        await SaysAsync(cluster, "job-1", "short of 1 node with 8 GPUs free");

        await cluster.Client.CoreV1.DeleteNamespacedPodAsync("other", "default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
        await cluster.BoundAsync(2, TimeSpan.FromMinutes(1), Cancellation);
    }

    private static async Task SaysAsync(ClusterUnderTest cluster, string name, string what)
    {
        string? said = null;
        await Eventually.TrueAsync(
            async () =>
            {
                said = (await cluster.Client.CoreV1.ReadNamespacedPodAsync(name, "default", cancellationToken: Cancellation)).Status.Conditions?.FirstOrDefault(c => c.Type == "PodScheduled")?.Message;
                return said?.Contains(what, StringComparison.Ordinal) == true;
            },
            TimeSpan.FromMinutes(1), () => $"pod {name} does not say \"{what}\" but \"{said}\"", Cancellation);
    }

    /// <summary>A member of a running gang is deleted, and its controller makes another.</summary>
    private static async Task ReplaceOneAsync(ClusterUnderTest cluster, IReadOnlyList<GangJob> gangs)
    {
        V1Pod? gone = null;
        await Eventually.TrueAsync(
            async () =>
            {
                gone = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", cancellationToken: Cancellation)).Items.FirstOrDefault();
                return gone is not null;
            },
            TimeSpan.FromMinutes(2), () => "no member is bound", Cancellation);
        await cluster.Client.CoreV1.DeleteNamespacedPodAsync(gone!.Metadata.Name, "default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
        var gang = gangs.Single(g => g.Name == gone.Metadata.Labels["gang"]);
        await cluster.AddPodsAsync([gang.Pod(int.Parse(gone.Metadata.Labels["member"], CultureInfo.InvariantCulture))], Cancellation);
    }

    private static List<GangJob> Gangs(int seed, int demand)
    {
        var random = new Random(seed);
        var gangs = new List<GangJob>();
        for (var asked = 0; asked < demand;)
        {
            var gpus = 1 << random.Next(4);
            var members = 2 + random.Next(Math.Max(1, Math.Min(15, 40 / gpus)));
            gangs.Add(new GangJob($"job{gangs.Count}", GangJob.Dialects[gangs.Count % GangJob.Dialects.Length], members, gpus, "gpu-scheduler"));
            asked += members * gpus;
        }

        return gangs;
    }
}
