using System.Net;
using System.Text.Json;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>What an answer must look like for kube-scheduler to take it.</summary>
internal static class AnswerShape
{
    private static readonly string[] s_filter = ["Nodes", "NodeNames", "FailedNodes", "FailedAndUnresolvableNodes", "Error"];

    /// <summary>An ExtenderFilterResult; returns the names of the nodes that passed.</summary>
    public static IReadOnlyList<string> Filter(JsonElement json)
    {
        Names(json, s_filter);
        var error = json.GetProperty("Error").GetString();
        if (error != "")
        {
            Assert.NotNull(error);
            Assert.All(s_filter[..^1], name => Assert.Equal(JsonValueKind.Null, json.GetProperty(name).ValueKind));
            return [];
        }

        foreach (var failed in new[] { "FailedNodes", "FailedAndUnresolvableNodes" })
        {
            Assert.All(json.GetProperty(failed).EnumerateObject(), reason => Assert.NotEqual("", reason.Value.GetString()));
        }

        var nodes = json.GetProperty("Nodes");
        var names = json.GetProperty("NodeNames");
        if (nodes.ValueKind == JsonValueKind.Null)
        {
            return [.. names.EnumerateArray().Select(n => n.GetString()!)];
        }

        Assert.Equal(JsonValueKind.Null, names.ValueKind);
        Names(nodes, "metadata", "items");
        return [.. nodes.GetProperty("items").EnumerateArray().Select(n => n.GetProperty("metadata").GetProperty("name").GetString()!)];
    }

    /// <summary>A HostPriorityList: scores by name.</summary>
    public static IReadOnlyList<(string Host, int Score)> Prioritize(JsonElement json)
    {
        var scores = new List<(string, int)>();
        foreach (var host in json.EnumerateArray())
        {
            Names(host, "Host", "Score");
            var score = host.GetProperty("Score").GetInt32();
            Assert.InRange(score, 0, 10);
            scores.Add((host.GetProperty("Host").GetString()!, score));
        }

        return scores;
    }

    /// <summary>An ExtenderPreemptionResult: UIDs of the victims by node.</summary>
    public static IReadOnlyDictionary<string, string[]> Preempt(JsonElement json)
    {
        Names(json, "NodeNameToMetaVictims");
        var result = new Dictionary<string, string[]>();
        foreach (var node in json.GetProperty("NodeNameToMetaVictims").EnumerateObject())
        {
            Names(node.Value, "Pods", "NumPDBViolations");
            Assert.Equal(JsonValueKind.Number, node.Value.GetProperty("NumPDBViolations").ValueKind);
            result[node.Name] = [.. node.Value.GetProperty("Pods").EnumerateArray().Select(pod =>
            {
                Names(pod, "UID");
                return pod.GetProperty("UID").GetString()!;
            })];
        }

        return result;
    }

    /// <summary>{"Error":…} and nothing else.</summary>
    public static string Error(JsonElement json)
    {
        Names(json, "Error");
        return json.GetProperty("Error").GetString()!;
    }

    /// <summary>An answer to a body that may be anything: of the right shape, and no fault of the service's own.</summary>
    public static void Any(string verb, Answer answer)
    {
        if (answer.Status == HttpStatusCode.BadRequest && verb is "prioritize" or "preempt")
        {
            Assert.NotEqual("", Error(answer.Json));
            return;
        }

        Assert.Equal(HttpStatusCode.OK, answer.Status);
        switch (verb)
        {
            case "filter":
                Filter(answer.Json);
                break;
            case "prioritize":
                Prioritize(answer.Json);
                break;
            case "preempt":
                Preempt(answer.Json);
                break;
            default:
                Error(answer.Json);
                break;
        }

        Assert.DoesNotContain("failed to answer", answer.Error ?? "", StringComparison.Ordinal);
    }

    private static void Names(JsonElement json, params string[] expected) =>
        Assert.Equal(expected, json.EnumerateObject().Select(p => p.Name));
}
