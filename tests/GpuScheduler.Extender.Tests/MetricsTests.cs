using System.Globalization;
using System.Text;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>
/// Alone, after all others: services of one process share the names of their meters, and when one service ends, the collector of
/// every other lets go of the metrics of these names.
/// </summary>
[CollectionDefinition("alone", DisableParallelization = true)]
[Collection("alone")]
public sealed class MetricsTests
{
    [Fact]
    public async Task Metrics_have_the_names_that_are_documented()
    {
        await using var service = await RunningService.StartAsync(("Holds:TentativeHold", "00:00:00.1"));
        var pod = Requests.Pod("metrics", 1);
        await service.PostAsync("filter", Requests.Args(pod, [.. Repository.ExampleNodes, "nobody"]));
        await service.PostAsync("filter", "nonsense");
        await service.PostAsync("prioritize", Requests.Args(pod, Repository.ExampleNodes));
        await service.PostAsync("bind", Requests.Binding("metrics", "h100-03"));
        await service.PostAsync("prioritize", Requests.Args(Requests.Pod("metrics-expires", 1), Repository.ExampleNodes));
        var text = "";
        for (var tries = 0; tries < 100 && !text.Contains("gpu_scheduler_holds_expired_total", StringComparison.Ordinal); tries++)
        {
            await Task.Delay(200, TestContext.Current.CancellationToken);
            text = Encoding.UTF8.GetString((await service.GetAsync("/metrics")).Body);
        }

        Assert.Contains("# TYPE gpu_scheduler_verb_duration_seconds histogram", text, StringComparison.Ordinal);
        Assert.True(Value(text, "gpu_scheduler_decisions_total", "verb=\"filter\"", "outcome=\"ok\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_decisions_total", "verb=\"filter\"", "outcome=\"bad-request\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_decisions_total", "verb=\"prioritize\"", "outcome=\"ok\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_decisions_total", "verb=\"bind\"", "outcome=\"ok\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_verb_duration_seconds_count", "verb=\"bind\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_node_refusals_total", "reason=\"node is not known to gpu-scheduler\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_holds_expired_total", "state=\"Tentative\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_allocations", "state=\"Bound\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_nodes") >= 1);
        Assert.True(Value(text, "gpu_scheduler_gpus", "use=\"idle\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_gpus", "use=\"unhealthy\"") >= 1);
        Assert.True(Value(text, "gpu_scheduler_nodes_in_conflict") >= 0);
        Assert.Contains("dotnet_gc_collections_total", text, StringComparison.Ordinal);
        Assert.Contains("kestrel_active_connections", text, StringComparison.Ordinal);
    }

    private static double Value(string metrics, string name, params string[] labels)
    {
        var line = metrics.Split('\n').FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal) && l[name.Length] is '{' or ' ' && labels.All(l.Contains));
        Assert.True(line is not null, $"no {name} with {string.Join(' ', labels)} in:\n{metrics}");
        var end = line.LastIndexOf('}') is >= 0 and var brace ? brace + 1 : name.Length;
        return double.Parse(line[end..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], CultureInfo.InvariantCulture);
    }
}
