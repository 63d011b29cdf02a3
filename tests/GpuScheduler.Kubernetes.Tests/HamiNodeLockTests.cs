using System.Globalization;
using System.Text.Json.Nodes;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>The lock against an API server that keeps one node, with its version, and the pods that the lock names.</summary>
public sealed class HamiNodeLockTests : ApiServerTests
{
    private const string Path = "/api/v1/nodes/n1";

    private readonly RecordingLogger<HamiNodeLock> _logger = new();
    private string? _lock;
    private int _version = 7;
    private Action? _beforePatch;

    private protected override void Begin()
    {
        for (var i = 0; i < 100; i++)
        {
            Server.On(Path, AnswerAsync);
        }
    }

    [Fact]
    public async Task A_free_lock_is_taken_in_HAMis_form()
    {
        Assert.Null(await TakeAsync());
        var parts = _lock!.Split(',');
        Assert.Equal(["team", "train"], parts[1..]);
        Assert.True(DateTimeOffset.TryParseExact(parts[0], "yyyy-MM-ddTHH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time));
        Assert.InRange(DateTimeOffset.UtcNow - time, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        Assert.Null(await TakeAsync()); // and is the pod's own from then on
    }

    [Fact]
    public async Task Of_two_that_take_it_at_once_one_gets_it()
    {
        _beforePatch = () => _lock = $"{DateTimeOffset.UtcNow:yyyy-MM-ddTHH:mm:ssZ},team,other";
        Server.On("/api/v1/namespaces/team/pods/other", Json("""{"metadata":{"name":"other"}}"""));
        for (var i = 0; i < 20; i++)
        {
            Server.On("/api/v1/namespaces/team/pods/other", Json("{}"));
        }

        var why = await TakeAsync(TimeSpan.FromSeconds(1));
        Assert.Equal($"HAMi's lock of node n1 was not free in time: its device plugin is still busy with \"{_lock}\"", why);
        Assert.EndsWith(",team,other", _lock, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lock_that_the_plugin_releases_is_waited_for()
    {
        _lock = $"{DateTimeOffset.UtcNow:yyyy-MM-ddTHH:mm:ssZ},team,other";
        Server.On("/api/v1/namespaces/team/pods/other", async context =>
        {
            (_lock, _version) = (null, _version + 1);
            await Json("{}")(context);
        });
        Assert.Null(await TakeAsync());
        Assert.EndsWith(",team,train", _lock, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2020-01-01T00:00:00Z,team,other")]
    [InlineData("2020-01-01T00:00:00Z")]
    [InlineData("nonsense")]
    public async Task A_lock_that_is_over_is_taken(string old)
    {
        _lock = old;
        Assert.Null(await TakeAsync());
        Assert.EndsWith(",team,train", _lock, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lock_whose_pod_is_gone_is_taken()
    {
        _lock = $"{DateTimeOffset.UtcNow:yyyy-MM-ddTHH:mm:ssZ},team,gone";
        Server.On("/api/v1/namespaces/team/pods/gone", Status(404, "NotFound"));
        Assert.Null(await TakeAsync());
        Assert.EndsWith(",team,train", _lock, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_pods_own_lock_is_released()
    {
        _lock = "2030-01-01T00:00:00Z,team,other";
        await ReleaseAsync();
        Assert.NotNull(_lock);

        _lock = "2030-01-01T00:00:00Z,team,train";
        await ReleaseAsync();
        Assert.Null(_lock);
        Assert.Empty(_logger.Entries);
    }

    [Fact]
    public async Task Who_may_not_patch_nodes_is_told_the_rule_that_lacks()
    {
        await using var server = await StartAsync();
        using var connection = server.Connect();
        server.On(Path, Json("""{"metadata":{"resourceVersion":"7"}}""")).On(Path, Status(403, "Forbidden"));
        var why = await new HamiNodeLock(connection, _logger).TakeAsync("n1", "team", "train", TestContext.Current.CancellationToken);
        Assert.StartsWith("HAMi's lock of node n1 could not be taken: ", why, StringComparison.Ordinal);
        Assert.Contains("resources: [\"nodes\"], verbs: [patch]", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lock_that_cannot_be_released_is_logged()
    {
        await using var server = await StartAsync();
        using var connection = server.Connect();
        server.On(Path, Status(500, "InternalError"));
        await new HamiNodeLock(connection, _logger).ReleaseAsync("n1", "team", "train", TestContext.Current.CancellationToken);
        Assert.Equal(2040, Assert.Single(_logger.Entries).Id);
    }

    private async Task<string?> TakeAsync(TimeSpan? limit = null)
    {
        using var end = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(20));
        return await new HamiNodeLock(Connection, _logger).TakeAsync("n1", "team", "train", end.Token);
    }

    private Task ReleaseAsync() => new HamiNodeLock(Connection, _logger).ReleaseAsync("n1", "team", "train", TestContext.Current.CancellationToken);

    private async Task AnswerAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        var request = await Server.RequestAsync(Path);
        if (request.Method == "PATCH")
        {
            if (Interlocked.Exchange(ref _beforePatch, null) is { } before)
            {
                before();
                _version++;
            }

            var patch = JsonNode.Parse(request.Body)!["metadata"]!;
            if ((string?)patch["resourceVersion"] != _version.ToString(CultureInfo.InvariantCulture))
            {
                await Status(409, "Conflict")(context);
                return;
            }

            _lock = (string?)patch["annotations"]![HamiNodeLock.Annotation];
            _version++;
        }

        await Json(new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["resourceVersion"] = _version.ToString(CultureInfo.InvariantCulture),
                ["annotations"] = _lock is null ? new JsonObject() : new JsonObject { [HamiNodeLock.Annotation] = _lock },
            },
        }.ToJsonString())(context);
    }
}
