using System.Diagnostics.Metrics;
using System.Text;
using System.Text.RegularExpressions;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

/// <summary>docs/metrics.md lists what is exported. Alone, as <see cref="MetricsTests"/> says why.</summary>
[Collection("alone")]
public sealed partial class MetricCatalogueTests
{
    [Fact]
    public async Task Every_metric_is_documented_and_every_documented_one_exists()
    {
        var made = new Dictionary<string, string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name is "GpuScheduler.Extender" or "GpuScheduler.Kubernetes")
                {
                    lock (made)
                    {
                        made[NameOf(instrument)] = instrument.GetType().Name.StartsWith("Histogram", StringComparison.Ordinal) ? "histogram" : instrument is Counter<long> ? "counter" : "gauge";
                    }
                }
            },
        };
        listener.Start();

        // With a cluster, which nobody serves, and all that can be switched on, so that everything is there that has metrics.
        var folder = Directory.CreateTempSubdirectory("gpu-scheduler-metrics-").FullName;
        var kubeconfig = Path.Combine(folder, "kubeconfig");
        await File.WriteAllTextAsync(kubeconfig, "{apiVersion: v1, kind: Config, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], contexts: [{name: c, context: {cluster: c}}], current-context: c}", TestContext.Current.CancellationToken);
        await using (await RunningService.StartAsync(
            ("Cluster", null), ("Kubeconfig", kubeconfig), ("Mig:Enabled", "true"), ("Forecast:Enabled", "true"),
            ("Mig:ConfigFile", Path.Combine(Repository.Root, "manifests/mig-dynamic/mig-parted.yaml")), ("Mig:Configs", "all-1g.10gb"),
            ("Profiles:other:Policy", "fgd"), ("Shadow:Profile", "other")))
        {
            for (var tries = 0; tries < 100 && !Has("gpuscheduler_kubernetes_errors_total"); tries++)
            {
                await Task.Delay(100, TestContext.Current.CancellationToken);
            }
        }

        Directory.Delete(folder, recursive: true);
        Assert.Equal(
            MetricCatalogue.Documented.Select(d => $"{d.Key} {d.Value.Type}").Order(StringComparer.Ordinal),
            made.Select(m => $"{m.Key} {m.Value}").Order(StringComparer.Ordinal));

        bool Has(string name)
        {
            lock (made)
            {
                return made.ContainsKey(name);
            }
        }
    }

    [Fact]
    public async Task Series_have_the_documented_labels_and_none_names_a_pod_or_a_node()
    {
        await using var service = await RunningService.StartAsync();
        var pod = Requests.Pod("labels", 1);
        await service.PostAsync("filter", Requests.Args(pod, [.. Repository.ExampleNodes, "nobody"]));
        await service.PostAsync("prioritize", Requests.Args(pod, Repository.ExampleNodes));
        await service.PostAsync("bind", Requests.Binding("labels", "h100-03"));
        await Task.Delay(400, TestContext.Current.CancellationToken); // the exporter keeps an answer for 300 ms
        var text = Encoding.UTF8.GetString((await service.GetAsync("/metrics")).Body);
        var series = Series().Matches(text).Where(m => m.Groups[1].Value.StartsWith("gpu", StringComparison.Ordinal)).ToList();
        Assert.True(series.Count > 50, text);
        foreach (var one in series)
        {
            var name = Assert.Single(MetricCatalogue.NamesIn(one.Groups[1].Value));
            Assert.True(MetricCatalogue.Documented.TryGetValue(name, out var documented), $"{name} is not in docs/metrics.md");
            var labels = LabelName().Matches(one.Groups[2].Value).Select(l => l.Groups[1].Value).Where(l => l != "le" && !l.StartsWith("otel_scope_", StringComparison.Ordinal));
            Assert.Equal(documented.Labels.Order(StringComparer.Ordinal), labels.Order(StringComparer.Ordinal));
            Assert.DoesNotContain(Repository.ExampleNodes.Append("nobody").Append("pod-labels"), n => one.Value.Contains('"' + n + '"', StringComparison.Ordinal));
        }

        Assert.Contains("gpu_scheduler_verb_phase_duration_seconds_count", text, StringComparison.Ordinal);
        Assert.Contains("gpu_scheduler_build_info", text, StringComparison.Ordinal);
    }

    /// <summary>As the exporter names it: dots become underscores, seconds and counters get their suffix.</summary>
    private static string NameOf(Instrument instrument) =>
        instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "") + (instrument is Counter<long> ? "_total" : "");

    [GeneratedRegex(@"^(\w+)(?:\{(.*)\})? ", RegexOptions.Multiline)]
    private static partial Regex Series();

    [GeneratedRegex("(\\w+)=\"")]
    private static partial Regex LabelName();
}
