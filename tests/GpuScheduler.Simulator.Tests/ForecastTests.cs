using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Requests;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Forecasting;
using GpuScheduler.Simulator.Generation;
using GpuScheduler.Simulator.Workloads;
using Xunit;

namespace GpuScheduler.Simulator.Tests;

/// <summary>forecast: the demand of a workload, and the back-test.</summary>
public sealed class ForecastTests
{
    private static readonly string[] s_small = ["forecast", "--step", "30m", "--every", "3h", "--days", "8", "--generate", "8xH100:8:192:2Ti"];

    [Fact]
    public async Task The_example_is_tested_and_the_figures_hang_together()
    {
        using var folder = new TemporaryFolder();
        var (json, csv, html) = (Path.Combine(folder.Path, "f.json"), Path.Combine(folder.Path, "f.csv"), Path.Combine(folder.Path, "f.html"));
        var run = await ProgramRun.OfAsync([.. s_small, "--json", json, "--csv", csv, "--html", html]);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("upper bound of the forecast", run.Output, StringComparison.Ordinal);
        Assert.Contains("truth within, %", run.Output, StringComparison.Ordinal);
        using var results = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var result = Assert.Single(results.RootElement.EnumerateArray());
        Assert.True(result.GetProperty("forecasts").GetInt32() > 20);
        Assert.InRange(result.GetProperty("changesOfMethods").GetInt32(), 0, result.GetProperty("forecasts").GetInt32() - 1);
        Assert.Contains("method used, %", run.Output, StringComparison.Ordinal);
        var errors = result.GetProperty("errors").EnumerateArray().ToList();
        Assert.All(errors.Where(e => e.GetProperty("method").GetString() == "chosen"), e => Assert.Equal(1, e.GetProperty("used").GetDouble()));
        Assert.All(errors.GroupBy(e => e.GetProperty("leadSeconds").GetDouble()), g => Assert.Equal(2, g.Sum(e => e.GetProperty("used").GetDouble()), 0.001));
        Assert.Equal(["chosen", "last-value", "same-time-yesterday", "harmonic-by-change", "harmonic-by-level"], errors.Select(e => e.GetProperty("method").GetString()).Distinct().Where(m => m != "same-time-last-week"));
        Assert.All(errors.Where(e => e.TryGetProperty("coverage", out _)), e => Assert.InRange(e.GetProperty("coverage").GetDouble(), 0.6, 1));
        var capacity = result.GetProperty("capacity").EnumerateArray().ToList();
        Assert.Equal(4, capacity.Count);
        Assert.Single(capacity.Select(c => c.GetProperty("demandedGpuHours").GetDouble()).Distinct());
        Assert.Equal(capacity[0].GetProperty("idleGpuHours").GetDouble(), capacity[2].GetProperty("idleGpuHours").GetDouble(), capacity[0].GetProperty("idleGpuHours").GetDouble() * 0.2);
        Assert.Equal(0, capacity[3].GetProperty("shortGpuHours").GetDouble());
        Assert.Equal(errors.Count + 1, (await File.ReadAllLinesAsync(csv, TestContext.Current.CancellationToken)).Length);
        Assert.Contains("error by lead", await File.ReadAllTextAsync(html, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(run.Output, (await ProgramRun.OfAsync([.. s_small, "--json", json, "--csv", csv, "--html", html])).Output, Same.Instance);
    }

    [Fact]
    public async Task The_history_of_the_service_is_tested_as_a_workload_is()
    {
        using var folder = new TemporaryFolder();
        var start = new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);
        var file = folder.File("demand.jsonl",
        [
            """{"kind":"gpu-scheduler demand history","stepSeconds":1800}""",
            .. Enumerable.Range(0, 8 * 48).Where(i => i % 50 != 0).Select(i => string.Create(CultureInfo.InvariantCulture, $$"""{"at":"{{start + TimeSpan.FromMinutes(30 * i):yyyy-MM-ddTHH:mm:ssZ}}","gpus":{{100 + (i % 48)}},"waiting":0,"models":{"A100":{{i % 48}} } }""")),
            "torn",
        ]);
        var run = await ProgramRun.OfAsync("forecast", "--step", "30m", "--every", "3h", "--history", file);

        Assert.Equal((0, ""), (run.ExitCode, run.Errors));
        Assert.Contains("7 steps are not known", run.Output, StringComparison.Ordinal);
        Assert.Contains("demand.jsonl:378: the last line is torn", run.Output, StringComparison.Ordinal);
        Assert.Equal(0, (await ProgramRun.OfAsync("forecast", "--step", "30m", "--every", "3h", "--history", file, "--model", "A100")).ExitCode);
        Assert.Contains("--model B200: no pod named it; there are A100", (await ProgramRun.OfAsync("forecast", "--step", "30m", "--history", file, "--model", "B200")).Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--step 7m: 10 s or more, so many of which make a day", "--step", "7m")]
    [InlineData("--horizon 8d: a step to 7d is allowed", "--horizon", "8d")]
    [InlineData("together no more than --horizon", "--lead", "25h")]
    [InlineData("--node-gpus: 1 to 1000 is allowed", "--node-gpus", "0")]
    [InlineData("--history /no/such/file: there is no such file; the service writes one", "--history", "/no/such/file")]
    [InlineData("--model goes with --history", "--model", "A100")]
    [InlineData("--arrivals weekly is not known; there are trace, poisson and daily", "--arrivals", "weekly")]
    [InlineData("--days: 3 to 366 is allowed", "--days", "1")]
    [InlineData("--load: a percentage above 0", "--load", "0")]
    [InlineData("no forecast can be made at any moment of it: the history", "--days", "3", "--horizon", "2h", "--step", "1h", "--every", "1h", "--lead", "1h", "--history", "SHORT")]
    public async Task What_cannot_be_tested_gets_an_error_that_says_what_to_do(string expected, params string[] args)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("short.jsonl", """{"kind":"gpu-scheduler demand history","stepSeconds":3600}""", """{"at":"2026-01-05T00:00:00Z","gpus":1,"waiting":0}""", """{"at":"2026-01-05T01:00:00Z","gpus":1,"waiting":0}""");
        var run = await ProgramRun.OfAsync(["forecast", .. args.Select(a => a == "SHORT" ? file : a)]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Demand_is_the_GPU_time_of_the_pods_and_nothing_is_lost_in_the_steps()
    {
        var facts = new ClusterFacts(ClusterGenerator.Generate(Scenario.Example, 1));
        var random = new Random(1);
        var pods = Enumerable.Range(0, 200).Select(i => new TracePod($"p{i}", TracePod.TemplateOf(new GpuRequest { WholeGpus = random.Next(5) }, 0, 0), TracePod.NoTime, random.Next(1, 20_000_000))).ToList();
        var trace = new Trace("t", pods) { Source = "test" };
        TimedArrival[] arrivals = [.. pods.Select((p, i) => new TimedArrival(i, i == 0 ? 0 : random.Next(50_000_000), p.DurationMs)).OrderBy(a => a.AtMs), new TimedArrival(0, 100_000_000, 0)];
        var series = DemandOverTime.Of(trace, arrivals, facts, 600_000, TimeSpan.FromMinutes(5));

        var expected = arrivals.Sum(a => (double)pods[a.Pod].Template.Request.WholeGpus * a.DurationMs) / 300_000;
        Assert.Equal(expected, series.Gpus.Sum(), expected * 1e-9);
        Assert.Equal(2, series.First);
        for (var s = 0; s < series.Gpus.Length; s += 29)
        {
            var (from, to) = (s * 300_000L, (s + 1) * 300_000L);
            Assert.Equal(arrivals.Sum(a => pods[a.Pod].Template.Request.WholeGpus * Math.Max(0.0, Math.Min(to, a.AtMs + a.DurationMs) - Math.Max(from, a.AtMs))) / 300_000, series.Gpus[s], 1e-6);
        }
    }

    [Fact]
    public void Days_and_weeks_change_when_pods_arrive_and_not_how_many_in_a_week()
    {
        var even = Enumerable.Range(0, 7 * 24 * 60).Select(m => new TimedArrival(m, m * 60_000L, 1)).ToList();
        var moved = DemandOverTime.InDaysAndWeeks(even);

        Assert.All(moved.Zip(moved.Skip(1)), p => Assert.True(p.First.AtMs <= p.Second.AtMs));
        Assert.All(moved, a => Assert.InRange(a.AtMs, 0, 7L * 86_400_000));
        int Between(double from, double to) => moved.Count(a => a.AtMs >= from * 3_600_000 && a.AtMs < to * 3_600_000);
        Assert.True(Between(12, 18) > 3 * Between(0, 6));
        Assert.Equal(0.5, (double)Between(120, 144) / Between(0, 24), 0.02);
    }

    /// <summary>The same but for how long it took.</summary>
    private sealed class Same : IEqualityComparer<string>
    {
        public static readonly Same Instance = new();

        public bool Equals(string? x, string? y) => Without(x!) == Without(y!);

        public int GetHashCode(string obj) => 0;

        private static string Without(string text) => System.Text.RegularExpressions.Regex.Replace(text, "\\d+ ms each", "");
    }
}
