using System.Globalization;
using GpuScheduler.Testing.ControlPlane;
using k8s;
using k8s.Models;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Gangs on the real control plane, judged from the API server alone.</summary>
public sealed class GangTests
{
    private const int Nodes = 200;
    private const int GangCount = 40;
    private const int GpusPerNode = 8;

    /// <summary>What is kept for a gang that has no room is soon let go: otherwise those that would have room in it wait for an hour, as they should.</summary>
    private const string ShortTurns = """{"Gangs": {"KeepLimit": "00:00:20"}}""";

    /// <summary>How long the binds of one burst may be seen to be under way: also those that a killed extender left behind.</summary>
    private static readonly TimeSpan s_burst = TimeSpan.FromSeconds(45);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("second-scheduler/older/v1beta1.yaml", "gpu-scheduler", 1)]
    [InlineData("cluster-wide/kube-scheduler-config/v1beta1.yaml", "default-scheduler", 2)]
    public async Task Gangs_of_five_dialects_are_bound_whole_or_not_at_all_through_deletions_and_a_kill(string configuration, string schedulerName, int seed)
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await Parallel.ForEachAsync(Enumerable.Range(0, Nodes), Cancellation, async (i, token) => await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100($"n{i:D3}", $"rack-{i / 8}"), cancellationToken: token));
        using var settings = new TemporaryFile(ShortTurns);
        await cluster.StartExtenderProcessAsync(Cancellation, "--config", settings.Path);
        await cluster.StartSchedulerAsync(configuration, KubeSchedulerBinary.Stock, Cancellation);
        var random = new Random(seed);
        var gangs = Gangs(random, GangCount, demand: Nodes * GpusPerNode * 11 / 10, schedulerName);
        var watched = new GangAudit(cluster.Client, gangs);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var watching = watched.WatchAsync(stop.Token);
        var pods = gangs.SelectMany(g => Enumerable.Range(0, g.Members).Select(i => g.Pod(i))).OrderBy(_ => random.Next()).ToList();
        foreach (var part in pods.Chunk((pods.Count / 8) + 1).Index())
        {
            await cluster.AddPodsAsync(part.Item, Cancellation);
            if (part.Index == 6)
            {
                // Some gangs are bound now, and some on their way.
                await watched.SomeRunAsync(1, TimeSpan.FromMinutes(3), Cancellation);
                await cluster.KillExtenderProcessAsync();
                await cluster.StartExtenderProcessAsync(Cancellation, "--config", settings.Path);
            }
        }

        await watched.SomeRunAsync(GangCount / 4, TimeSpan.FromMinutes(4), Cancellation);
        await ReplaceOneAsync(cluster, watched);
        await DeleteAsync(cluster, watched, watched.Whole.MaxBy(g => g.Members * g.Gpus)!);
        await watched.SettledAsync(TimeSpan.FromMinutes(6), Nodes, GpusPerNode, Cancellation);
        await stop.CancelAsync();
        await watching;
        TestContext.Current.TestOutputHelper?.WriteLine(watched.Summary);
        Assert.Empty(watched.Wrong(s_burst));
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    [Fact]
    public async Task Members_with_our_gate_are_released_to_their_planned_nodes_and_bound_whole()
    {
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        foreach (var number in Enumerable.Range(0, 4))
        {
            await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100($"n{number}", "rack-0"), cancellationToken: Cancellation);
        }

        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Stock, Cancellation);
        var gang = new GangJob("job", "gpuscheduler", 3, 8, "gpu-scheduler");
        var created = await cluster.Client.CoreV1.CreateNamespacedPodAsync(gang.GatedPod(0), "default", cancellationToken: Cancellation);
        var keepsGates = created.Spec.SchedulingGates?.Count > 0;
        await cluster.AddPodsAsync([gang.GatedPod(1)], Cancellation);
        await Task.Delay(TimeSpan.FromSeconds(3), Cancellation);
        Assert.Empty((await cluster.Client.CoreV1.ListNamespacedPodAsync("default", fieldSelector: "spec.nodeName!=", cancellationToken: Cancellation)).Items);

        await cluster.AddPodsAsync([gang.GatedPod(2)], Cancellation);
        await cluster.BoundAsync(3, TimeSpan.FromMinutes(2), Cancellation);
        TestContext.Current.TestOutputHelper?.WriteLine(keepsGates ? "the API server keeps scheduling gates" : "the API server drops scheduling gates (older than 1.26): the gang was bound without them");
        foreach (var pod in (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: Cancellation)).Items)
        {
            Assert.True(!keepsGates || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms.Single().MatchFields.Single().Values.Single() == pod.Spec.NodeName);
        }

        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
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

    [Fact]
    public async Task A_more_urgent_gang_has_whole_jobs_removed_and_nobody_else()
    {
        var found = ControlPlaneBinaries.TryFind(out var whyNot);
        Assert.SkipWhen(found?.PreemptingScheduler is null, whyNot ?? "this kube-scheduler does not ask extenders about preemption");
        await using var cluster = await ClusterUnderTest.StartAsync(tls: false, Cancellation);
        await cluster.Client.SchedulingV1.CreatePriorityClassAsync(new V1PriorityClass { Metadata = new V1ObjectMeta { Name = "high" }, Value = 1000 }, cancellationToken: Cancellation);
        foreach (var number in Enumerable.Range(0, 4))
        {
            await cluster.Client.CoreV1.CreateNodeAsync(Workload.H100($"n{number}", "rack-0"), cancellationToken: Cancellation);
        }

        await cluster.StartExtenderAsync(Cancellation);
        await cluster.StartSchedulerAsync("second-scheduler/older/v1beta1.yaml", KubeSchedulerBinary.Preempting, Cancellation);
        var cheap = new GangJob("cheap", "gpuscheduler", 2, 8, "gpu-scheduler");
        await cluster.AddPodsAsync([cheap.Pod(0), cheap.Pod(1)], Cancellation);
        await cluster.BoundAsync(2, TimeSpan.FromMinutes(2), Cancellation);
        var dear = new GangJob("dear", "volcano", 4, 4, "gpu-scheduler");
        await cluster.AddPodsAsync([.. Enumerable.Range(0, 4).Select(dear.Pod)], Cancellation);
        await cluster.BoundAsync(6, TimeSpan.FromMinutes(2), Cancellation);

        // Two nodes are all it needs: one job has to go, and the other, which would do as well, must not lose a member.
        var urgent = new GangJob("urgent", "koordinator", 2, 8, "gpu-scheduler");
        await cluster.AddPodsAsync([.. Enumerable.Range(0, 2).Select(i => Urgent(urgent.Pod(i)))], Cancellation);
        await Eventually.TrueAsync(async () => await BoundOfAsync(cluster, "urgent") == 2, TimeSpan.FromMinutes(2), () => "the urgent gang is not bound", Cancellation);

        var left = new[] { await BoundOfAsync(cluster, "cheap"), await BoundOfAsync(cluster, "dear") };
        Assert.True(left is [0, 4] or [2, 0], $"{left[0]} of 2 and {left[1]} of 4 pods of the other jobs are left");
        Assert.Empty(await ApiAudit.RunAsync(cluster.Client, Cancellation));
    }

    private static V1Pod Urgent(V1Pod pod)
    {
        pod.Spec.PriorityClassName = "high";
        return pod;
    }

    private static async Task<int> BoundOfAsync(ClusterUnderTest cluster, string gang) =>
        (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", labelSelector: $"gang={gang}", cancellationToken: Cancellation)).Items.Count(p => p.Spec.NodeName is not null);

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
    private static async Task ReplaceOneAsync(ClusterUnderTest cluster, GangAudit watched)
    {
        var whole = watched.Whole;
        var gone = (await cluster.Client.CoreV1.ListNamespacedPodAsync("default", labelSelector: $"gang={whole[0].Name}", cancellationToken: Cancellation)).Items[0];
        await cluster.Client.CoreV1.DeleteNamespacedPodAsync(gone.Metadata.Name, "default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: Cancellation);
        await cluster.AddPodsAsync([whole[0].Pod(int.Parse(gone.Metadata.Labels["member"], CultureInfo.InvariantCulture))], Cancellation);
    }

    /// <summary>A running gang is deleted whole, which makes room for others.</summary>
    private static async Task DeleteAsync(ClusterUnderTest cluster, GangAudit watched, GangJob gang)
    {
        watched.Forget(gang);
        await cluster.Client.CoreV1.DeleteCollectionNamespacedPodAsync("default", new V1DeleteOptions { GracePeriodSeconds = 0 }, labelSelector: $"gang={gang.Name}", cancellationToken: Cancellation);
    }

    /// <summary>Gangs of 2 to 64 members, small ones as likely as large ones, with so many GPUs each that all together come near the demand.</summary>
    private static List<GangJob> Gangs(Random random, int count, int demand, string schedulerName)
    {
        var gangs = new List<GangJob>();
        for (var i = 0; i < count; i++)
        {
            var members = i == 0 ? 64 : (int)Math.Round(Math.Pow(2, 1 + (5 * random.NextDouble())));
            var each = (double)demand / (count - i) / members;
            var gpus = each >= 6 ? 8 : each >= 3 ? 4 : each >= 1.5 ? 2 : 1;
            gangs.Add(new GangJob($"job{i}", GangJob.Dialects[i % GangJob.Dialects.Length], members, gpus, schedulerName));
            demand -= members * gpus;
        }

        return gangs;
    }
}
