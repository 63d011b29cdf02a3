using System.Globalization;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Kubernetes;
using GpuScheduler.Kubernetes.Recordings;
using GpuScheduler.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Decisions;

public sealed class RecordingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recording-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "recording.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1, "false")]
    [InlineData(2, "false")]
    [InlineData(3, "true")]
    public async Task A_random_workload_is_replayed_to_the_same_decisions_and_another_node_makes_others(int seed, string oneNode)
    {
        var asked = 0;
        await using (var service = await RunningService.StartAsync(("Recording:Path", Path), ("Engine:AnswerOneNode", oneNode)))
        {
            asked = await RunAsync(service, new Random(seed));
        }

        var result = Replayer.Replay(Path);
        Assert.Empty(result.Differences);
        Assert.Equal((asked, false), (result.Decisions, result.IsFull));
        Assert.True(result.Changes > 10, "no change was recorded");

        var text = await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path, text.Replace("NVIDIA-H100-80GB-HBM3", "NVIDIA-L4", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        var changed = Replayer.Replay(Path);
        Assert.NotEmpty(changed.Differences);
        Assert.All(changed.Differences, d => Assert.NotEqual(d.Recorded, d.Replayed));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Gangs_and_pods_beside_them_are_replayed_to_the_same_decisions_and_without_one_node_others_are_made(int seed)
    {
        await using (var service = await RunningService.StartAsync(("Recording:Path", Path), ("Gangs:BarrierTimeout", "00:00:00.700"), ("Gangs:Backoff", "00:00:00.300"), ("Gangs:PlanHold", "00:00:02"), ("Gangs:ReplaceHold", "00:00:00.500"), ("Gangs:SolveLimit", "00:00:00.200")))
        {
            await RunGangsAsync(service, new Random(seed));
        }

        var result = Replayer.Replay(Path);
        Assert.Empty(result.Differences);
        var text = await File.ReadAllTextAsync(Path, TestContext.Current.CancellationToken);
        Assert.All(new[] { "Filter", "Arrive", "Answered", "Turn", "Solved", "GroupChange", "Commit" }, kind => Assert.Contains($"\"kind\":\"{kind}\"", text, StringComparison.Ordinal));

        await File.WriteAllLinesAsync(Path, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.Contains("UpsertNode", StringComparison.Ordinal) || !l.Contains("rack-0", StringComparison.Ordinal)), TestContext.Current.CancellationToken);
        Assert.NotEmpty(Replayer.Replay(Path).Differences);
    }

    [Theory]
    [InlineData("", "the file is empty")]
    [InlineData("{}\n", "this is no line of a recording")]
    [InlineData("nonsense\n", "this is no line of a recording")]
    [InlineData("{\"at\":\"2026-01-01T00:00:00Z\",\"kind\":\"Filter\"}\n", "a recording begins with its settings")]
    public async Task What_is_no_recording_is_refused_with_the_line(string text, string expected)
    {
        await File.WriteAllTextAsync(Path, text, TestContext.Current.CancellationToken);
        var refused = Assert.Throws<InvalidSnapshotException>(() => Replayer.Replay(Path));
        Assert.StartsWith(Path + ":1: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    /// <summary>Pods come, are bound, and go; nodes come and go. Returns how many decisions were asked for.</summary>
    private static async Task<int> RunAsync(RunningService service, Random random)
    {
        var cluster = service.Services.GetRequiredService<ClusterState>();
        var nodes = cluster.Current.Nodes.Where(n => n is not null).Select(n => n!.Facts.Name).ToList();
        var asked = 0;
        for (var i = 0; i < 60; i++)
        {
            var uid = string.Create(CultureInfo.InvariantCulture, $"p{i}");
            var pod = Requests.Pod(uid, Shape(random), null);
            var answer = await service.PostAsync("filter", Requests.Args(pod, [.. nodes, "no-such-node"]));
            string[] passed = [.. answer.Json.GetProperty("NodeNames").EnumerateArray().Select(n => n.GetString()!)];
            asked++;
            if (passed.Length > 1)
            {
                await service.PostAsync("prioritize", Requests.Args(pod, passed));
                asked++;
            }

            if (passed.Length > 0 && random.Next(4) > 0)
            {
                // Sometimes to a node that was not offered: the bind is refused, or not.
                await service.PostAsync("bind", Requests.Binding(uid, random.Next(5) == 0 ? nodes[random.Next(nodes.Count)] : passed[random.Next(passed.Length)]));
                asked++;
            }

            if (passed.Length == 0 && random.Next(2) == 0)
            {
                await service.PostAsync("preempt", Requests.Preemption(pod, nodes.Take(4).ToDictionary(n => n, _ => Array.Empty<string>())));
                asked++;
            }

            switch (random.Next(6))
            {
                case 0:
                    cluster.DeletePod(string.Create(CultureInfo.InvariantCulture, $"p{random.Next(i + 1)}"));
                    break;
                case 1:
                    nodes.Add(string.Create(CultureInfo.InvariantCulture, $"new-{i}"));
                    cluster.UpsertNode(new NodeBuilder(nodes[^1]).Gpus("NVIDIA-H100-80GB-HBM3", 1 + random.Next(8)).Build());
                    break;
                case 2 when nodes[^1].StartsWith("new-", StringComparison.Ordinal):
                    cluster.DeleteNode(nodes[^1]);
                    nodes.RemoveAt(nodes.Count - 1);
                    break;
            }
        }

        return asked;
    }

    /// <summary>Gangs come, some never whole, and pods beside them; members are bound at the same time, some never; members and nodes go.</summary>
    private static async Task RunGangsAsync(RunningService service, Random random)
    {
        var cluster = service.Services.GetRequiredService<ClusterState>();
        List<string> nodes = [.. cluster.Current.Nodes.OfType<NodeInfo>().Select(n => n.Facts.Name)];
        for (var i = 0; i < 4; i++)
        {
            nodes.Add($"rack-{i}");
            cluster.UpsertNode(new NodeBuilder(nodes[^1]).Gpus("NVIDIA-H100-80GB-HBM3", 8).Label("network.topology.nvidia.com/leaf", $"r{i / 2}").Build());
        }

        var waiting = new List<(string Uid, string Pod)>();
        var bound = new List<string>();
        var binds = new List<Task>();
        for (var round = 0; round < 12; round++)
        {
            var members = 2 + random.Next(3);
            var present = random.Next(5) == 0 ? members - 1 : members;
            var annotations = new Dictionary<string, string> { [GpuAnnotations.GangName] = $"g{round}", [GpuAnnotations.GangSize] = members.ToString(CultureInfo.InvariantCulture) };
            if (random.Next(3) == 0)
            {
                annotations[GpuAnnotations.GangRequiredTopology] = "rack";
            }

            if (random.Next(3) == 0)
            {
                annotations[GpuAnnotations.GangMinMembers] = "2";
            }

            var requests = new Dictionary<string, string> { [GpuAnnotations.GpuResource] = (1 << random.Next(4)).ToString(CultureInfo.InvariantCulture) };
            for (var m = 0; m < present; m++)
            {
                var pod = Requests.Pod($"g{round}-{m}", requests, annotations, random.Next(2));
                waiting.Add(($"g{round}-{m}", pod));
                cluster.UpsertPod(PodJsonReader.Read(Encoding.UTF8.GetBytes(pod)));
            }

            var single = Requests.Pod($"s{round}", 1 + random.Next(4));
            waiting.Add(($"s{round}", single));
            cluster.UpsertPod(PodJsonReader.Read(Encoding.UTF8.GetBytes(single)));
            cluster.UpsertGroupObject(new GroupObject { Id = new GroupObjectId(GroupKinds.CoschedulingPodGroup, "team", $"other-{round}"), MinMembers = 2 });
            foreach (var (uid, pod) in waiting.ToList())
            {
                var answer = await service.PostAsync("filter", Requests.Args(pod, nodes));
                string[] passed = [.. answer.Json.GetProperty("NodeNames").EnumerateArray().Select(n => n.GetString()!)];
                if (passed.Length == 0)
                {
                    if (random.Next(3) == 0)
                    {
                        await service.PostAsync("preempt", Requests.Preemption(pod, nodes.Take(4).ToDictionary(n => n, _ => Array.Empty<string>())));
                    }

                    continue;
                }

                if (passed.Length > 1)
                {
                    await service.PostAsync("prioritize", Requests.Args(pod, passed));
                }

                if (random.Next(8) > 0)
                {
                    waiting.RemoveAll(w => w.Uid == uid);
                    bound.Add(uid);
                    binds.Add(service.PostAsync("bind", Requests.Binding(uid, passed[random.Next(passed.Length)])));
                }
            }

            await Task.Delay(random.Next(400), TestContext.Current.CancellationToken);
            if (random.Next(2) == 0 && bound.Count > 0)
            {
                cluster.DeletePod(bound[random.Next(bound.Count)]);
            }

            if (random.Next(4) == 0)
            {
                cluster.DeleteNode(nodes[^1]);
                nodes.RemoveAt(nodes.Count - 1);
            }
        }

        await Task.WhenAll(binds);
    }

    private static PodShape Shape(Random random) => random.Next(5) switch
    {
        0 => new PodShape { Whole = 1 + random.Next(8), Nvlink = "preferred" },
        1 => new PodShape { ShareMemoryMiB = 1000 * (1 + random.Next(30)), ShareMilli = 100 * (1 + random.Next(9)) },
        2 => new PodShape { Whole = 1 + random.Next(2), Models = ["H100", "V100"], Priority = 10 },
        3 => new PodShape { Whole = 1, MinMemoryMiB = 40_000 },
        _ => new PodShape { Whole = 1 + random.Next(4) },
    };
}
