using System.Collections.Immutable;
using System.Net;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.ExternalMetrics;
using GpuScheduler.Extender.Forecasting;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Forecast;
using GpuScheduler.Forecast.History;
using GpuScheduler.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Forecasting;

public sealed class ForecastServiceTests : IDisposable
{
    private static readonly TimeSpan s_step = TimeSpan.FromMinutes(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-forecast-").FullName;
    private readonly ManualTimeProvider _time = new();
    private readonly ClusterState _cluster;
    private readonly Readiness _readiness = new();

    public ForecastServiceTests()
    {
        _cluster = new ClusterState(_time, new LedgerOptions());
        _readiness.SetSynced(true);
    }

    private string Path => System.IO.Path.Combine(_folder, "demand.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_mean_of_a_step_is_remembered_and_survives_a_restart()
    {
        using (var service = Service())
        {
            service.Load();
            Assert.Contains("no demand has been recorded yet", service.View.Results[ForecastView.All].Refusal, StringComparison.Ordinal);
            service.Look();
            _cluster.UpsertPod(new PodBuilder("a").Gpus(4).Model("A100").Build());
            _time.Advance(TimeSpan.FromSeconds(1));
            service.Look();
            _time.Advance(s_step);
            service.Look();
            Assert.Equal((2, 2, 2), (service.View.Newest!.Gpus, service.View.Newest.Waiting, service.View.Newest.Models["A100"]));
            Assert.Contains("the history covers 0.0 days", service.View.Results["A100"].Refusal, StringComparison.Ordinal);
        }

        using var again = Service();
        again.Load();
        Assert.Equal((1, 2), (again.View.Samples, again.View.Newest!.Gpus));
    }

    [Fact]
    public void A_cluster_that_is_not_read_yet_is_not_taken_for_one_without_demand()
    {
        _readiness.SetSynced(false);
        using var service = Service();
        service.Load();
        service.Look();
        _time.Advance(s_step);
        service.Look();

        Assert.Null(service.View.Newest);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void Of_replicas_that_share_a_folder_each_writes_its_own_file_and_reads_all()
    {
        Write(System.IO.Path.Combine(_folder, "d-elsewhere.jsonl"), days: 5);
        using var service = Service("d-{host}.jsonl");
        service.Load();
        Assert.Equal(5 * 48, service.View.Samples);
        service.Look();
        _time.Advance(s_step);
        service.Look();

        Assert.Single(File.ReadLines(System.IO.Path.Combine(_folder, $"d-{Environment.MachineName}.jsonl")).Skip(1));
        Assert.NotNull(service.View.Results[ForecastView.All].Forecast);
    }

    [Fact]
    public void A_file_of_somebody_else_is_left_alone_and_demand_is_kept_in_memory()
    {
        File.WriteAllText(Path, "precious");
        using var service = Service();
        service.Load();
        service.Look();
        _time.Advance(s_step);
        service.Look();

        Assert.Equal("precious", File.ReadAllText(Path));
        Assert.Contains("this is no history of demand", service.View.Problem, StringComparison.Ordinal);
        Assert.Equal(1, service.View.Samples);
    }

    [Fact]
    public void What_could_not_be_written_is_written_when_it_can_be_again()
    {
        using var service = Service();
        service.Load();
        using (new FileStream(Path, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            service.Look();
            _time.Advance(s_step);
            service.Look();
            Assert.NotNull(service.View.Problem);
        }

        _time.Advance(s_step);
        service.Look();
        Assert.Null(service.View.Problem);
        Assert.Equal(2, File.ReadLines(Path).Count(l => l.Contains("\"at\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void An_autoscaler_gets_one_value_unless_it_asks_for_more()
    {
        Write(Path, days: 6);
        using var service = Service();
        service.Load();
        using var meter = new ExtenderMetrics(_cluster, "forecast-test");
        var metrics = new ForecastMetrics(service, Options("demand.jsonl"), meter);
        IReadOnlyList<ExternalMetric>? Find(string selector, string name = ForecastMetrics.ForecastGpus) =>
            LabelSelector.TryParse(selector, out var parsed, out var why) ? metrics.Find(name, "default", parsed) : throw new InvalidOperationException(why);

        var point = service.View.Results[ForecastView.All].Forecast!.Ahead(TimeSpan.FromMinutes(15))!.Value;
        var one = Assert.Single(Find("")!);
        Assert.Equal((long)Math.Ceiling(Math.Round(point.High * 1000, 3)), one.Milli);
        Assert.Equal("15m high all cluster", string.Join(' ', "horizon bound model scope".Split(' ').Select(l => one.Labels[l])));
        Assert.Equal("6h", Assert.Single(Find("horizon=6h")!).Labels["horizon"]);
        Assert.Equal(3, Find("bound in (low,expected,high)")!.Count);
        Assert.Equal(2, Find("model")!.Count);
        Assert.Empty(Find("model=B200")!);
        Assert.Null(Find("", "gpu_scheduler_other"));
    }

    [Fact]
    public async Task The_service_tells_the_forecast_and_what_is_wrong_with_a_question()
    {
        Write(Path, days: 10, until: DateTimeOffset.UtcNow);
        await using var service = await RunningService.StartAsync(("Forecast:Path", Path), ("Forecast:Step", "00:30:00"));
        var answer = await service.GetAsync("/v1/forecast?hours=3");
        for (var tries = 0; tries < 300 && answer.Status == HttpStatusCode.ServiceUnavailable; tries++)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            answer = await service.GetAsync("/v1/forecast?hours=3");
        }

        Assert.True(answer.Status == HttpStatusCode.OK, answer.ToString());
        Assert.Equal(6, answer.Json.GetProperty("points").GetArrayLength());
        Assert.All(answer.Json.GetProperty("points").EnumerateArray(), p => Assert.InRange(p.GetProperty("gpus").GetDouble(), p.GetProperty("low").GetDouble(), p.GetProperty("high").GetDouble()));
        Assert.Equal(["A100", "all"], answer.Json.GetProperty("models").EnumerateArray().Select(m => m.GetString()));
        var leads = answer.Json.GetProperty("leads").EnumerateArray().ToList();
        Assert.Equal(24 * 3600, leads[^1].GetProperty("upToSeconds").GetInt32());
        Assert.All(leads.Index(), lead => Assert.Contains(answer.Json.GetProperty("methods").EnumerateArray(), m => m.GetProperty("method").GetString() == lead.Item.GetProperty("method").GetString() && m.GetProperty("byLead")[lead.Index].GetProperty("mae").GetDouble() == lead.Item.GetProperty("mae").GetDouble()));
        Assert.All(answer.Json.GetProperty("points").EnumerateArray(), p => Assert.Contains(p.GetProperty("method").GetString(), leads.Select(l => l.GetProperty("method").GetString())));
        Assert.Equal(480, answer.Json.GetProperty("history").GetProperty("samples").GetInt32());
        Assert.Equal(48, (await service.GetAsync("/v1/forecast?model=A100")).Json.GetProperty("points").GetArrayLength());

        foreach (var (path, status, says) in new[]
        {
            ("/v1/forecast?hours=25", HttpStatusCode.BadRequest, "hours is \"25\": a number above 0 and at most 24 is allowed"),
            ("/v1/forecast?hours=0", HttpStatusCode.BadRequest, "a number above 0"),
            ("/v1/forecast?hours=NaN", HttpStatusCode.BadRequest, "a number above 0"),
            ("/v1/forecast?model=B200", HttpStatusCode.NotFound, "no pod has named the models \"B200\"; there are A100, all"),
        })
        {
            var refused = await service.GetAsync(path);
            Assert.Equal(status, refused.Status);
            Assert.Contains(says, refused.Json.GetProperty("error").GetString(), StringComparison.Ordinal);
        }

        await Task.Delay(400, TestContext.Current.CancellationToken); // the exporter keeps an answer for 300 ms
        var text = Encoding.UTF8.GetString((await service.GetAsync("/metrics")).Body);
        Assert.Matches("gpu_scheduler_forecast_gpus\\{(?=[^}]*horizon=\"6h\")(?=[^}]*bound=\"high\")[^}]*model=\"A100\"[^}]*\\}", text);
        Assert.Matches("gpu_scheduler_forecast_gpus\\{(?=[^}]*horizon=\"24h\")(?=[^}]*bound=\"high\")[^}]*model=\"all\"[^}]*\\}", text);
        Assert.Matches("gpu_scheduler_forecast_error_gpus\\{(?=[^}]*horizon=\"24h\")[^}]*method=\"last-value\"[^}]*\\}", text);
        Assert.Contains("gpu_scheduler_demand_gpus", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, HttpStatusCode.NotFound, "demand is not forecast here: set Forecast:Path")]
    [InlineData("true", HttpStatusCode.ServiceUnavailable, "there is no forecast yet: no demand has been recorded yet")]
    public async Task Without_a_forecast_the_answer_says_why(string? enabled, HttpStatusCode status, string says)
    {
        await using var service = await RunningService.StartAsync(("Forecast:Enabled", enabled));
        var answer = await service.GetAsync("/v1/forecast");

        Assert.Equal(status, answer.Status);
        Assert.Contains(says, answer.Json.GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    private ExtenderOptions Options(string file) => new() { Forecast = new ForecastSettings { Path = System.IO.Path.Combine(_folder, file), Step = s_step } };

    private ForecastService Service(string file = "demand.jsonl") => new(_cluster, _readiness, Options(file), _time, NullLogger<ForecastService>.Instance);

    /// <summary>A history of days that end now.</summary>
    private void Write(string path, int days, DateTimeOffset? until = null)
    {
        var history = new DemandHistory(s_step, TimeSpan.FromDays(60));
        var end = DemandSeries.StepOf(until ?? _time.GetUtcNow(), s_step);
        for (var n = end - (48 * days); n < end; n++)
        {
            var gpus = 50 + (20 * Math.Sin(2 * Math.PI * n / 48));
            history.Add(new DemandSample(n, gpus, 0, ImmutableSortedDictionary.Create<string, double>(StringComparer.Ordinal).Add("A100", gpus / 2)));
        }

        new HistoryFile(path).Rewrite(history);
    }
}
