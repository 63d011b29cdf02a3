using System.Net;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>kube-scheduler's own requests, byte for byte.</summary>
public sealed class RecordedMessagesTests(ExampleService example, RecordedMessagesTests.RecordedCluster recorded) : IClassFixture<RecordedMessagesTests.RecordedCluster>
{
    public static TheoryData<string> Requests { get; } = [.. Fixtures.WireNames.Where(n => n.EndsWith(".request.json", StringComparison.Ordinal))];

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_recorded_request_about_nodes_that_are_not_known_is_answered_in_its_form(string name)
    {
        var request = Fixtures.Wire(name);
        var verb = VerbOf(name);

        var answer = await example.Service.PostAsync(verb, request);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var sent = NamesIn(request);
        switch (verb)
        {
            case "filter" when name.Contains("false", StringComparison.Ordinal):
                // Whole Nodes that are not known are judged by themselves.
                Assert.Equal(sent, AnswerShape.Filter(answer.Json));
                break;
            case "filter":
                Assert.Empty(AnswerShape.Filter(answer.Json));
                Assert.Equal("", answer.Error);
                Assert.Empty(answer.Json.GetProperty("FailedNodes").EnumerateObject());
                Assert.Equal(
                    sent.ToDictionary(n => n, _ => "node is not known to gpu-scheduler"),
                    answer.Json.GetProperty("FailedAndUnresolvableNodes").EnumerateObject().ToDictionary(n => n.Name, n => n.Value.GetString()!));
                break;
            case "prioritize" when name.Contains("false", StringComparison.Ordinal):
                Assert.Single(AnswerShape.Prioritize(answer.Json), s => s.Score == 10);
                break;
            case "prioritize":
                Assert.Equal(sent.Select(n => (n, 0)), AnswerShape.Prioritize(answer.Json));
                break;
            case "preempt":
                Assert.Empty(AnswerShape.Preempt(answer.Json));
                break;
            default:
                Assert.Contains("is not known", AnswerShape.Error(answer.Json), StringComparison.Ordinal);
                break;
        }
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task A_recorded_request_about_known_nodes_is_answered_from_among_them(string name)
    {
        recorded.Clear();
        var request = Fixtures.Wire(name);
        var verb = VerbOf(name);
        if (verb == "bind")
        {
            // A bind names a pod by its UID alone: here as there, its filter came before it.
            await recorded.Service.PostAsync("filter", Fixtures.Wire(name.Replace("bind", "filter", StringComparison.Ordinal)));
        }

        var answer = await recorded.Service.PostAsync(verb, request);

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var sent = NamesIn(request);
        switch (verb)
        {
            case "filter":
                var passed = AnswerShape.Filter(answer.Json);
                Assert.NotEmpty(passed);
                Assert.Subset(sent.ToHashSet(), passed.ToHashSet());
                Assert.Equal(name.Contains("false", StringComparison.Ordinal), answer.Json.GetProperty("Nodes").ValueKind == JsonValueKind.Object);
                break;
            case "prioritize":
                var scores = AnswerShape.Prioritize(answer.Json);
                Assert.Equal(sent, scores.Select(s => s.Host));
                Assert.Single(scores, s => s.Score == 10);
                break;
            case "preempt":
                // Nothing runs on these nodes here: what was chosen is enough, and a node where nobody was chosen is dropped.
                Assert.Equal(VictimsIn(request), AnswerShape.Preempt(answer.Json).SelectMany(n => n.Value.Select(uid => (n.Key, uid))));
                break;
            default:
                Assert.Equal("", AnswerShape.Error(answer.Json));
                break;
        }
    }

    [Fact]
    public async Task Full_nodes_come_back_byte_for_byte()
    {
        recorded.Clear();
        var request = Fixtures.Wire("filter.nodeCacheCapable-false.request.json");

        var answer = await recorded.Service.PostAsync("filter", request);

        var sent = JsonDocument.Parse(request).RootElement.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText());
        var back = answer.Json.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText());
        Assert.Equal(sent, back);
        Assert.StartsWith("""{"Nodes":{"metadata":{},"items":[""" + string.Join(',', sent) + """]},"NodeNames":null,""", Encoding.UTF8.GetString(answer.Body), StringComparison.Ordinal);
    }

    private static string VerbOf(string name) => name.Split('.', '-')[0];

    private static List<string> NamesIn(byte[] request)
    {
        var root = JsonDocument.Parse(request).RootElement;
        if (root.TryGetProperty("NodeNames", out var names) && names.ValueKind == JsonValueKind.Array)
        {
            return [.. names.EnumerateArray().Select(n => n.GetString()!)];
        }

        return root.TryGetProperty("Nodes", out var nodes)
            ? [.. nodes.GetProperty("items").EnumerateArray().Select(n => n.GetProperty("metadata").GetProperty("name").GetString()!)]
            : [];
    }

    private static List<(string Node, string Uid)> VictimsIn(byte[] request)
    {
        var root = JsonDocument.Parse(request).RootElement;
        var byUid = root.GetProperty("NodeNameToMetaVictims");
        return byUid.ValueKind == JsonValueKind.Object
            ? [.. byUid.EnumerateObject().SelectMany(n => n.Value.GetProperty("Pods").EnumerateArray().Select(p => (n.Name, p.GetProperty("UID").GetString()!)))]
            : [.. root.GetProperty("NodeNameToVictims").EnumerateObject().SelectMany(n => n.Value.GetProperty("Pods").EnumerateArray().Select(p => (n.Name, p.GetProperty("metadata").GetProperty("uid").GetString()!)))];
    }

    /// <summary>A service that knows the ten nodes of the recordings.</summary>
    public sealed class RecordedCluster : IAsyncLifetime
    {
        private readonly string _file = Path.GetTempFileName();

        public RunningService Service { get; private set; } = null!;

        /// <summary>Forgets all that earlier tests hold.</summary>
        public void Clear()
        {
            var cluster = Service.Services.GetRequiredService<ClusterState>();
            foreach (var node in cluster.Current.Nodes)
            {
                foreach (var allocation in node?.Allocations ?? [])
                {
                    cluster.DeletePod(allocation.Pod.Uid);
                }
            }
        }

        public async ValueTask InitializeAsync()
        {
            var nodes = JsonDocument.Parse(Fixtures.Wire("filter.nodeCacheCapable-false.request.json")).RootElement.GetProperty("Nodes").GetProperty("items").GetRawText();
            await File.WriteAllTextAsync(_file, $$"""{"apiVersion":"v1","kind":"NodeList","items":{{nodes}}}""");
            Service = await RunningService.StartAsync(("Cluster", _file), ("Engine:WholeNodes", "schedule"));
        }

        public async ValueTask DisposeAsync()
        {
            await Service.DisposeAsync();
            File.Delete(_file);
        }
    }
}
