using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Testing;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GpuScheduler.Extender.Tests.Decisions;

public sealed class AuditLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("audit-").FullName;
    private readonly ClusterState _cluster = new(TimeProvider.System, new LedgerOptions());
    private readonly Said _said = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string File => Path.Combine(_folder, "audit.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_decision_is_a_line_as_the_endpoint_shows_it_and_is_there_after_a_shutdown()
    {
        string shown;
        await using (var service = await RunningService.StartAsync(("Audit:Path", File)))
        {
            for (var i = 0; i < 200; i++)
            {
                await service.PostAsync("filter", Requests.Args(Requests.Pod(i.ToString(CultureInfo.InvariantCulture), 1 + (i % 9)), "h100-01", "h100-03", "t4-01"));
            }

            shown = (await service.GetAsync("/v1/decisions?limit=10000")).Json.GetProperty("decisions").GetRawText();
        }

        var lines = await System.IO.File.ReadAllLinesAsync(File, Cancellation);
        Assert.Equal(200, lines.Length);
        Assert.Equal(shown, "[" + string.Join(',', lines.Reverse()) + "]");
    }

    [Fact]
    public async Task Files_are_rotated_by_size_and_the_oldest_goes()
    {
        var (audit, decisions) = Make(new AuditSettings { Path = File, MaxFileMiB = 1, Files = 3 });
        await audit.StartAsync(Cancellation);
        var pod = new PodBuilder(new string('u', 60_000)).Gpus(9).Build();
        for (var i = 0; i < 120; i++)
        {
            decisions.Misunderstood(pod, _cluster.Current, 1);
            if (i % 4 == 3)
            {
                await Task.Delay(5, Cancellation); // so that not all is one batch
            }
        }

        await audit.StopAsync(Cancellation);
        Assert.Equal(["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(_folder).SelectMany(System.IO.File.ReadLines), line => JsonDocument.Parse(line).Dispose());
        Assert.Contains("\"seq\":120,", System.IO.File.ReadLines(File).Last(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_full_disk_is_said_once_and_decisions_go_on()
    {
        Assert.SkipUnless(System.IO.File.Exists("/dev/full"), "needs /dev/full, which is always full");
        var (audit, decisions) = Make(new AuditSettings { Path = "/dev/full" });
        await audit.StartAsync(Cancellation);
        for (var i = 0; i < 50; i++)
        {
            decisions.Filtered(new PodBuilder("a").Gpus(9).Build(), _cluster.Current, [-1], [Reasons.UnknownNode], 0);
            await Task.Delay(1, Cancellation);
        }

        await audit.StopAsync(Cancellation);
        Assert.StartsWith("Decisions cannot be written to /dev/full and are dropped there until they can", Assert.Single(_said.Lines), StringComparison.Ordinal);
        Assert.Equal(50, decisions.List(null, null, 100).Count);
    }

    private (AuditLog Audit, DecisionLog Decisions) Make(AuditSettings settings)
    {
        var options = new ExtenderOptions { Audit = settings };
        var decisions = new DecisionLog(_cluster, options, TimeProvider.System);
        return (new AuditLog(decisions, options, TimeProvider.System, _said), decisions);
    }

    private sealed class Said : ILogger<AuditLog>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));
    }
}
