using System.Text;
using System.Text.Json;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>nodeCacheCapable: false. What comes back replaces kube-scheduler's own Node objects, so not a byte may differ.</summary>
public sealed class FullNodesTests(ExampleService example)
{
    [Fact]
    public async Task Accepted_nodes_come_back_with_exactly_the_bytes_that_were_sent()
    {
        var items = Repository.ExampleNodes.Select(n => Node(n)).ToList();

        var answer = await example.Service.PostAsync("filter", Requests.NodesArgs(Requests.Pod("full-nodes", new PodShape { Whole = 1, Models = ["L40S", "T4"] }), items));

        var accepted = AnswerShape.Filter(answer.Json);
        Assert.Contains("l40s-01", accepted);
        Assert.DoesNotContain("h100-01", accepted);
        var expected = items.Where((_, i) => accepted.Contains(Repository.ExampleNodes[i]));
        Assert.Equal(expected, answer.Json.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText()));
        Assert.StartsWith("""{"Nodes":{"metadata":{},"items":[""" + string.Join(',', expected) + """]},"NodeNames":null,""", Encoding.UTF8.GetString(answer.Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_that_are_not_known_or_come_twice_do_not_disturb_the_others()
    {
        string[] names = ["l40s-01", "nobody-1", "l40s-01", "h100-01", "nobody-2", "t4-03", "t4-02", "nobody-1"];
        var items = names.Select(n => Node(n)).ToList();

        var answer = await example.Service.PostAsync("filter", Requests.NodesArgs(Requests.Pod("full-nodes-2", new PodShape { Whole = 1, Models = ["L40S", "T4"] }), items));

        Assert.Equal([items[0], items[5], items[6]], answer.Json.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText()));
        Assert.Equal(
            ["h100-01", "nobody-1", "nobody-2"],
            answer.Json.GetProperty("FailedAndUnresolvableNodes").EnumerateObject().Select(n => n.Name).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Nodes_of_many_megabytes_come_back_too()
    {
        // Larger than the reader's window, than a segment of the buffer, and than what the web server reads at once.
        var random = new Random(5);
        var items = Repository.ExampleNodes.Select(name => Node(name, random.Next(1, 900_000))).ToList();

        var answer = await example.Service.PostAsync("filter", Encoding.UTF8.GetBytes(Requests.NodesArgs(Requests.Pod("full-nodes-3", 0), items)), chunked: true);

        Assert.Equal(items, answer.Json.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText()));
    }

    [Fact]
    public async Task Full_nodes_are_scored_by_their_names()
    {
        string[] names = ["cpu-01", "nobody", "l40s-01", "t4-01"];

        var answer = await example.Service.PostAsync("prioritize", Requests.NodesArgs(Requests.Pod("full-nodes-4", 1), names.Select(n => Node(n))));

        Assert.Equal([("cpu-01", 0), ("nobody", 0), ("l40s-01", 10), ("t4-01", 0)], AnswerShape.Prioritize(answer.Json));
    }

    private static string Node(string name) => Node(name, 10);

    /// <summary>Written as nobody would: blanks, escapes, names in odd places, characters of several bytes.</summary>
    private static string Node(string name, int padding) => $$$"""
        { "spec" :{"name":"not-this","metadata":{"name":"nor-this"}},
          "metadata":{ "labels":{"a\u0062c":"\ud83d\ude00 \"<>&\"", "name":"nor this", "é":"ü"} ,"name"	: {{{JsonSerializer.Serialize(name)}}}, "annotations":{"pad":"{{{new string('x', padding)}}}"}},
          "status":{"nothing":[ ],"n":1.50e+3,"z":null , "metadata":[1,{"name":"x"}]}}
        """;
}
