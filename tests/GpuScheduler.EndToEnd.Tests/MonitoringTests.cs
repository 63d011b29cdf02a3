using System.Net;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using GpuScheduler.Testing;
using GpuScheduler.Testing.ControlPlane;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Alerts and dashboard with the real Prometheus, which scrapes the running service.</summary>
public sealed partial class MonitoringTests
{
    private const string WhyNot = "No Prometheus to test with: install Debian's package prometheus, which has promtool, too (apt-get install prometheus).";

    private static readonly string s_folder = Path.Combine(Checkout.Root, "manifests", "monitoring");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("check", "rules.yaml")]
    [InlineData("test", "rules.test.yaml")]
    public async Task Promtool_accepts_the_alerts_and_each_fires_when_it_should(string what, string file)
    {
        var promtool = Find("promtool");
        Assert.SkipWhen(promtool is null, WhyNot);
        var start = new ProcessStartInfo(promtool!, [what, "rules", file]) { WorkingDirectory = s_folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Cancellation);
        var output = await process.StandardOutput.ReadToEndAsync(Cancellation) + await errors;
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, output);
        Assert.Contains("SUCCESS", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prometheus_scrapes_the_service_and_answers_every_query_of_dashboard_and_alerts()
    {
        var prometheus = Find("prometheus");
        Assert.SkipWhen(prometheus is null, WhyNot);
        await using var service = await ServiceProcess.StartAsync(
            typeof(GpuScheduler.Extender.ExtenderOptions).Assembly.Location, ["--cluster", Path.Combine(Checkout.Root, "manifests", "examples", "cluster.yaml")], Cancellation);
        using var http = new HttpClient();
        var folder = Directory.CreateTempSubdirectory("gpu-scheduler-prometheus-").FullName;
        var port = LoopbackPorts.Pick(1)[0];
        await File.WriteAllTextAsync(Path.Combine(folder, "prometheus.yml"), $$"""
            global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
            rule_files: ["{{Path.Combine(s_folder, "rules.yaml")}}"]
            scrape_configs:
            - job_name: gpu-scheduler
              static_configs: [{targets: ["127.0.0.1:{{service.Url.Port}}"]}]
            """, Cancellation);
        var start = new ProcessStartInfo(prometheus!,
        [
            $"--config.file={Path.Combine(folder, "prometheus.yml")}", $"--storage.tsdb.path={Path.Combine(folder, "data")}",
            string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}"),
        ]) { RedirectStandardError = true, RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        var log = new StringBuilder();
        process.ErrorDataReceived += (_, line) => log.AppendLine(line.Data);
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        try
        {
            var url = new Uri($"http://127.0.0.1:{port}");

            // Rates need two samples of a counter that exists.
            for (var round = 0; round < 4; round++)
            {
                await DecideAsync(http, service.Url, round);
                await Eventually.TrueAsync(() => HasAsync(http, url, $"sum(gpu_scheduler_decisions_total{{verb=\"prioritize\"}}) >= {round + 1}"), TimeSpan.FromMinutes(1), () => $"nothing was scraped: {log}", Cancellation);
            }

            var exported = ExportedName().Matches(await http.GetStringAsync(new Uri(service.Url, "/metrics"), Cancellation)).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
            var (answered, empty) = (0, new List<string>());
            foreach (var query in Queries())
            {
                var result = await QueryAsync(http, url, query.Replace("$__rate_interval", "30s", StringComparison.Ordinal));
                if (result > 0)
                {
                    answered++;
                }
                else if (UsedName().Matches(query).All(m => exported.Contains(m.Value)))
                {
                    empty.Add(query);
                }
            }

            // What the service exports, the dashboard shows; the rest are events that have not come: gangs, layouts, a live cluster.
            Assert.Empty(empty);
            Assert.True(answered >= 15, $"{answered} queries had an answer");
            using var rules = JsonDocument.Parse(await http.GetStringAsync(new Uri(url, "/api/v1/rules"), Cancellation));
            var loaded = rules.RootElement.GetProperty("data").GetProperty("groups").EnumerateArray().SelectMany(g => g.GetProperty("rules").EnumerateArray()).ToList();
            Assert.Equal(AlertExpressions().Count(), loaded.Count);
            Assert.All(loaded, r => Assert.Equal("", r.TryGetProperty("lastError", out var error) ? error.GetString() : ""));
            foreach (var alert in AlertExpressions())
            {
                Assert.True(await QueryAsync(http, url, alert) >= 0, alert);
            }
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task DecideAsync(HttpClient http, Uri service, int round)
    {
        var args = $$"""{"Pod":{"metadata":{"name":"p{{round}}","namespace":"team","uid":"p{{round}}"},"spec":{"containers":[{"name":"main","resources":{"limits":{"nvidia.com/gpu":"1"} } }]} },"NodeNames":["h100-01","h100-03","cpu-01"]}""";
        foreach (var (verb, body) in new[] { ("filter", args), ("prioritize", args), ("bind", $$"""{"PodName":"p{{round}}","PodNamespace":"team","PodUID":"p{{round}}","Node":"h100-03"}"""), ("filter", args.Replace("\"p", "\"later-p", StringComparison.Ordinal)) })
        {
            using var content = new StringContent(body);
            using var answer = await http.PostAsync(new Uri(service, verb), content, Cancellation);
            Assert.True(answer.IsSuccessStatusCode, $"{verb}: {answer.StatusCode}");
        }
    }

    private static IEnumerable<string> Queries()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "dashboard.json")));
        return
        [
            .. dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(p => p.TryGetProperty("targets", out _))
                .SelectMany(p => p.GetProperty("targets").EnumerateArray().Select(t => t.GetProperty("expr").GetString()!)),
        ];
    }

    private static IEnumerable<string> AlertExpressions() => Expression().Matches(File.ReadAllText(Path.Combine(s_folder, "rules.yaml"))).Select(m => m.Groups[1].Value);

    /// <summary>How many series a query has; it must be one that Prometheus understands.</summary>
    private static async Task<int> QueryAsync(HttpClient http, Uri prometheus, string query)
    {
        using var form = new FormUrlEncodedContent([new("query", query)]);
        using var answer = await http.PostAsync(new Uri(prometheus, "/api/v1/query"), form, Cancellation);
        if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
        {
            throw new HttpRequestException("Prometheus is still starting");
        }

        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        Assert.True(answer.IsSuccessStatusCode, $"{query}: {text}");
        using var json = JsonDocument.Parse(text);
        return json.RootElement.GetProperty("data").GetProperty("result").GetArrayLength();
    }

    private static async Task<bool> HasAsync(HttpClient http, Uri prometheus, string query)
    {
        try
        {
            return await QueryAsync(http, prometheus, query) > 0;
        }
        catch (HttpRequestException)
        {
            return false; // not listening, or not ready, yet
        }
    }

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Append("/usr/bin").Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);

    [GeneratedRegex(@"^(gpu_?scheduler_\w+)[{ ]", RegexOptions.Multiline)]
    private static partial Regex ExportedName();

    [GeneratedRegex(@"gpu_?scheduler_\w+")]
    private static partial Regex UsedName();

    [GeneratedRegex(@"expr: >-\n +(.*)")]
    private static partial Regex Expression();
}
