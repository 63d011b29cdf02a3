using GpuScheduler.Core.Cluster;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests;

public sealed class ReflectorTests : IAsyncLifetime
{
    private const string Path = "/api/v1/nodes";

    private static readonly ReflectorOptions s_quick = new()
    {
        BackoffLeast = TimeSpan.FromMilliseconds(1),
        BackoffMost = TimeSpan.FromMilliseconds(20),
        ShortestWatch = TimeSpan.Zero,
    };

    private readonly CancellationTokenSource _stop = new();
    private readonly RecordingSink _sink = new();
    private readonly RecordingLogger<ReflectorTests> _logger = new();
    private FakeApiServer _server = null!;
    private KubernetesConnection? _connection;
    private Reflector<NodeObject> _reflector = null!;
    private Task _run = Task.CompletedTask;

    public async ValueTask InitializeAsync() => _server = await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _connection?.Dispose();
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task The_first_list_may_come_from_the_cache_and_the_watch_goes_on_from_it()
    {
        _server.On(Path, Json(NodeList("7", ["a", "b"])));
        Run();

        Assert.Equal("replace a,b cached", await _sink.NextAsync());
        var list = await _server.RequestAsync(Path);
        Assert.Equal("0", list["resourceVersion"]);
        Assert.Equal("500", list["limit"]);
        Assert.Equal("Bearer secret", list.Authorization);
        var watch = await _server.WatchAsync(Path);
        Assert.Equal("7", watch["resourceVersion"]);
        Assert.Equal("true", watch["allowWatchBookmarks"]);
        Assert.InRange(int.Parse(watch["timeoutSeconds"], null), 300, 600);
        Assert.True(_reflector.HasSynced);
    }

    [Fact]
    public async Task Events_reach_the_sink_in_order()
    {
        _server.On(Path, Json(NodeList("7", [])));
        _server.OnWatch(Path, LinesThenSilence(Event("ADDED", "a", "8"), Event("MODIFIED", "a", "9"), Event("DELETED", "a", "10")));
        Run();

        Assert.Equal(["replace  cached", "upsert a", "upsert a", "delete a"], await NextAsync(4));
    }

    [Fact]
    public async Task Pages_are_followed_and_the_sink_hears_of_them_once()
    {
        _server.On(Path, Json(NodeList("7", ["a"], "t1"))).On(Path, Json(NodeList("7", ["b"], "t/2"))).On(Path, Json(NodeList("7", ["c"])));
        Run();

        Assert.Equal("replace a,b,c cached", await _sink.NextAsync());
        await _server.RequestAsync(Path);
        var second = await _server.RequestAsync(Path);
        Assert.Equal("t1", second["continue"]);
        Assert.Equal("absent", second["resourceVersion"]);
        Assert.Equal("t/2", (await _server.RequestAsync(Path))["continue"]);
        Assert.Equal("7", (await _server.WatchAsync(Path))["resourceVersion"]);
        Assert.Equal(0, _sink.Pending);
    }

    [Fact]
    public async Task An_expired_continue_token_begins_the_list_anew_by_a_quorum_read()
    {
        _server.On(Path, Json(NodeList("7", ["a"], "t1"))).On(Path, Status(410, "Expired")).On(Path, Json(NodeList("9", ["b"])));
        Run();

        Assert.Equal("replace b consistent", await _sink.NextAsync());
        await _server.RequestAsync(Path);
        await _server.RequestAsync(Path);
        var third = await _server.RequestAsync(Path);
        Assert.Equal("absent", third["resourceVersion"]);
        Assert.Equal("absent", third["continue"]);
    }

    [Fact]
    public async Task Every_event_and_bookmark_moves_the_version_and_a_watch_that_ended_in_order_goes_on_from_it()
    {
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, Lines(Event("ADDED", "b", "8"))).OnWatch(Path, Lines(Bookmark("20")));
        Run();

        Assert.Equal(["replace a cached", "upsert b"], await NextAsync(2));
        Assert.Equal("7", (await _server.WatchAsync(Path))["resourceVersion"]);
        Assert.Equal("8", (await _server.WatchAsync(Path))["resourceVersion"]);
        Assert.Equal("20", (await _server.WatchAsync(Path))["resourceVersion"]);
        await _server.RequestAsync(Path);
        Assert.Equal(0, _server.Unseen(Path));
    }

    [Theory]
    [InlineData(410, "Gone")]
    [InlineData(410, "")]
    [InlineData(0, "Expired")]
    public async Task A_delete_that_happened_while_disconnected_is_seen(int code, string reason)
    {
        _server.On(Path, Json(NodeList("7", ["a", "b"]))).On(Path, Json(NodeList("50", ["b"])));
        _server.OnWatch(Path, Lines(Error(code, reason)));
        Run();

        Assert.Equal(["replace a,b cached", "replace b consistent"], await NextAsync(2));
        await _server.RequestAsync(Path);
        Assert.Equal("absent", (await _server.RequestAsync(Path))["resourceVersion"]);
        await _server.WatchAsync(Path);
        Assert.Equal("50", (await _server.WatchAsync(Path))["resourceVersion"]);
    }

    [Fact]
    public async Task A_watch_refused_with_410_lists_anew()
    {
        _server.On(Path, Json(NodeList("7", ["a"]))).On(Path, Json(NodeList("50", ["b"])));
        _server.OnWatch(Path, Status(410, "Expired"));
        Run();

        Assert.Equal(["replace a cached", "replace b consistent"], await NextAsync(2));
    }

    [Fact]
    public async Task A_broken_connection_goes_on_from_the_last_event()
    {
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, LinesThenBreak(Event("ADDED", "b", "8"))).OnWatch(Path, Lines(Event("ADDED", "c", "9")));
        Run();

        Assert.Equal(["replace a cached", "upsert b", "upsert c"], await NextAsync(3));
        await _server.WatchAsync(Path);
        Assert.Equal("8", (await _server.WatchAsync(Path))["resourceVersion"]);
        await _server.RequestAsync(Path);
        Assert.Equal(0, _server.Unseen(Path));
    }

    [Fact]
    public async Task A_watch_that_breaks_within_an_event_does_not_believe_the_half()
    {
        var whole = Event("ADDED", "b", "8");
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, Pieces([whole[..(whole.Length / 2)]])).OnWatch(Path, Lines(whole));
        Run();

        Assert.Equal(["replace a cached", "upsert b"], await NextAsync(2));
        await _server.WatchAsync(Path);
        Assert.Equal("7", (await _server.WatchAsync(Path))["resourceVersion"]);
    }

    [Fact]
    public async Task An_error_event_other_than_expiry_goes_on_from_the_last_version()
    {
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, Lines(Event("ADDED", "b", "8"), Error(500, "InternalError")));
        Run();

        Assert.Equal(["replace a cached", "upsert b"], await NextAsync(2));
        await _server.WatchAsync(Path);
        Assert.Equal("8", (await _server.WatchAsync(Path))["resourceVersion"]);
    }

    [Theory]
    [InlineData("this is no JSON")]
    [InlineData("""{"type":"TELEPORTED","object":{}}""")]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""["ADDED"]""")]
    public async Task An_event_that_cannot_be_understood_lists_anew(string line)
    {
        _server.On(Path, Json(NodeList("7", ["a"]))).On(Path, Json(NodeList("9", ["b"])));
        _server.OnWatch(Path, LinesThenSilence(line));
        Run();

        Assert.Equal(["replace a cached", "replace b consistent"], await NextAsync(2));
        Assert.Contains(_logger.Entries, e => e.Id == 2014);
    }

    [Fact]
    public async Task An_object_that_cannot_be_read_is_left_out_and_the_others_stay()
    {
        const string Bad = """{"metadata":{"name":5,"resourceVersion":"8"}}""";
        _server.On(Path, Json($$"""{"metadata":{"resourceVersion":"7"},"items":[{{Node("a", "1")}},{{Bad}},{{Node("b", "2")}}]}"""));
        _server.OnWatch(Path, LinesThenSilence($$"""{"type":"ADDED","object":{{Bad}}}""", Event("ADDED", "c", "9")));
        Run();

        Assert.Equal(["replace a,b cached", "upsert c"], await NextAsync(2));
        Assert.Equal(2, _logger.Entries.Count(e => e.Id == 2015 && e.Text.Contains("metadata.name must be a string", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task The_fields_of_a_list_may_come_in_any_order_and_with_unknown_ones_among_them()
    {
        _server.On(Path, Json($$"""{"x":{"items":[1]},"items":[{{Node("a", "1")}}],"y":[{}],"metadata":{"remainingItemCount":0,"resourceVersion":"7"},"kind":"NodeList"}"""));
        _server.On(Path, Json("""{"metadata":{"resourceVersion":"8"},"items":null}"""));
        _server.OnWatch(Path, Status(410, "Expired"));
        Run();

        Assert.Equal(["replace a cached", "replace  consistent"], await NextAsync(2));
    }

    [Theory]
    [InlineData("""{"metadata":{"resourceVersion":"7"},"items":[{"metadata":{"name":"a"}}""")]
    [InlineData("""{"metadata":{},"items":[]}""")]
    [InlineData("""{"metadata":{"resourceVersion":"7"},"items":{}}""")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("<html>")]
    public async Task A_list_that_is_not_whole_is_asked_for_again(string body)
    {
        _server.On(Path, Json(body)).On(Path, Json(NodeList("9", ["a"])));
        Run();

        Assert.Equal("replace a cached", await _sink.NextAsync());
    }

    [Fact]
    public async Task A_large_object_split_over_many_reads_is_read_whole()
    {
        var large = $$$"""{"metadata":{"name":"large","managedFields":"{{{new string('x', 3_000_000)}}}","resourceVersion":"8"}}""";
        var text = $$"""{"type":"ADDED","object":{{large}}}""" + "\n" + Event("ADDED", "b", "9") + "\n";
        _server.On(Path, Json($$"""{"metadata":{"resourceVersion":"7"},"items":[{{Node("a", "1")}},{{large}},{{Node("c", "2")}}]}"""));
        _server.OnWatch(Path, Pieces(text.Chunk(10_007).Select(c => new string(c))));
        Run();

        Assert.Equal(["replace a,large,c cached", "upsert large", "upsert b"], await NextAsync(3));
    }

    [Fact]
    public async Task Events_split_at_every_byte_are_put_together()
    {
        var text = Event("ADDED", "a", "8") + "\n" + Bookmark("11") + "\n" + Event("DELETED", "a", "12") + "\n";
        _server.On(Path, Json(NodeList("7", [])));
        _server.OnWatch(Path, Pieces(text.Select(c => c.ToString())));
        Run();

        Assert.Equal(["replace  cached", "upsert a", "delete a"], await NextAsync(3));
        await _server.WatchAsync(Path);
        Assert.Equal("12", (await _server.WatchAsync(Path))["resourceVersion"]);
    }

    [Fact]
    public async Task A_watch_that_is_silent_for_too_long_is_taken_for_dead()
    {
        var clock = new StepClock();
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, LinesThenSilence(Event("ADDED", "b", "8"))).OnWatch(Path, LinesThenSilence(Event("ADDED", "c", "9")));
        Run(new ReflectorOptions(), clock);

        Assert.Equal(["replace a cached", "upsert b"], await NextAsync(2));
        var asked = int.Parse((await _server.WatchAsync(Path))["timeoutSeconds"], null);

        // Once when the answer began, and once when the event came.
        var limit = TimeSpan.FromSeconds(asked + 30);
        await clock.TimerAsync(limit, limit);
        await clock.TimerAsync(limit, limit);
        Assert.Equal(clock.GetUtcNow(), _reflector.LastContact);
        clock.Advance(limit - TimeSpan.FromSeconds(1));
        Assert.Equal(0, _server.Unseen(Path + "?watch"));
        clock.Advance(TimeSpan.FromSeconds(1));

        clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(0.6), TimeSpan.FromSeconds(1)));
        Assert.Equal("upsert c", await _sink.NextAsync());
        Assert.Equal("8", (await _server.WatchAsync(Path))["resourceVersion"]);
        Assert.Contains(_logger.Entries, e => e.Id == 2017);
    }

    [Fact]
    public async Task A_server_that_never_begins_to_answer_a_watch_is_given_up()
    {
        var clock = new StepClock();
        _server.On(Path, Json(NodeList("7", ["a"])));
        Run(new ReflectorOptions { WatchIdleLimit = TimeSpan.FromSeconds(200) }, clock);

        Assert.Equal("replace a cached", await _sink.NextAsync());
        await _server.WatchAsync(Path);
        clock.Advance(TimeSpan.FromSeconds(90));
        clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(0.6), TimeSpan.FromSeconds(1)));
        await _server.WatchAsync(Path);
    }

    [Fact]
    public async Task A_list_that_stands_still_is_given_up()
    {
        var clock = new StepClock();
        _server.On(Path, LinesThenSilence("""{"metadata":{},"items":[""")).On(Path, Json(NodeList("7", ["a"])));
        Run(new ReflectorOptions(), clock);

        await _server.RequestAsync(Path);

        // Set when the call began, and again when its first bytes came.
        await clock.TimerAsync(TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(90));
        await clock.TimerAsync(TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(90));
        clock.Advance(TimeSpan.FromSeconds(90));
        clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(0.6), TimeSpan.FromSeconds(1)));
        Assert.Equal("replace a cached", await _sink.NextAsync());
    }

    [Fact]
    public async Task Failures_are_spaced_from_800_ms_to_30_s_and_success_begins_anew()
    {
        var clock = new StepClock();
        for (var i = 0; i < 7; i++)
        {
            _server.On(Path, Status(500, "InternalError"));
        }

        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, LinesThenBreak(Event("ADDED", "b", "8"))).OnWatch(Path, LinesThenSilence());
        Run(new ReflectorOptions(), clock);

        foreach (var usual in (double[])[0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30])
        {
            var pause = await clock.TimerAsync(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(80));
            Assert.InRange(pause.TotalSeconds, usual * 0.75, Math.Min(usual * 1.25, 30));
            clock.Advance(pause);
        }

        Assert.Equal(["replace a cached", "upsert b"], await NextAsync(2));
        Assert.InRange((await clock.TimerAsync(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(80))).TotalSeconds, 0.6, 1.0);
    }

    [Theory]
    [InlineData(429, "TooManyRequests")]
    [InlineData(503, "ServiceUnavailable")]
    public async Task A_server_that_asks_to_wait_is_given_that_time(int code, string reason)
    {
        var clock = new StepClock();
        _server.On(Path, Status(code, reason, retryAfter: "17")).On(Path, Json(NodeList("7", ["a"])));
        Run(new ReflectorOptions(), clock);

        var pause = await clock.TimerAsync(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(80));
        Assert.Equal(17, pause.TotalSeconds);
        clock.Advance(pause);
        Assert.Equal("replace a cached", await _sink.NextAsync());
    }

    [Fact]
    public async Task A_watch_that_always_ends_at_once_does_not_make_a_hot_loop()
    {
        var clock = new StepClock();
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, Lines()).OnWatch(Path, Lines());
        Run(new ReflectorOptions(), clock);

        clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(0.6), TimeSpan.FromSeconds(1)));
        Assert.InRange((await clock.TimerAsync(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(80))).TotalSeconds, 1.2, 2.0);
    }

    [Fact]
    public async Task A_refusal_for_want_of_rights_says_which_rule_to_add()
    {
        _server.On(Path, Status(403, "Forbidden", "nodes is forbidden")).On(Path, Json(NodeList("7", ["a"])));
        Run();

        Assert.Equal("replace a cached", await _sink.NextAsync());
        Assert.Contains(_logger.Entries, e => e.Text.Contains("nodes is forbidden; add to the ClusterRole of gpu-scheduler: apiGroups: [\"\"], resources: [\"nodes\"], verbs: [list, watch]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_resource_that_is_not_installed_counts_as_empty_and_is_asked_for_again()
    {
        var clock = new StepClock();
        _server.On(Path, Status(404, "NotFound")).On(Path, Status(404, "NotFound")).On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, LinesThenSilence(Event("ADDED", "b", "8")));
        Run(new ReflectorOptions(), clock, mayBeAbsent: true);

        Assert.Equal("replace  consistent", await _sink.NextAsync());
        for (var i = 0; i < 2; i++)
        {
            clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60)));
        }

        Assert.True(_reflector.HasSynced);
        Assert.Equal(["replace  consistent", "replace a cached", "upsert b"], await NextAsync(3));
        Assert.Single(_logger.Entries, e => e.Id == 2016);
    }

    [Fact]
    public async Task A_resource_is_looked_for_in_each_version_of_its_API()
    {
        _server.Without("/apis/g/v2/nodes").On("/apis/g/v1/nodes", Json(NodeList("7", ["a"])));
        _server.OnWatch("/apis/g/v1/nodes", LinesThenSilence(Event("ADDED", "b", "8")));
        Run(resource: new WatchedResource("nodes", "apis/g/v2/nodes", "g", MayBeAbsent: true) { OtherPaths = ["apis/g/v1/nodes"] });

        Assert.Equal(["replace a cached", "upsert b"], await NextAsync(2));
        Assert.True(_reflector.HasSynced);
    }

    [Fact]
    public async Task A_version_that_is_no_longer_served_is_left_for_another()
    {
        _server.Without("/apis/g/v2/nodes").On("/apis/g/v1/nodes", Json(NodeList("7", ["a"])));
        _server.OnWatch("/apis/g/v1/nodes", Status(404, "NotFound"));
        _server.On("/apis/g/v1/nodes", Status(404, "NotFound"));
        Run(resource: new WatchedResource("nodes", "apis/g/v2/nodes", "g", MayBeAbsent: true) { OtherPaths = ["apis/g/v1/nodes"] });
        Assert.Equal("replace a cached", await _sink.NextAsync());
        Assert.Equal("replace  consistent", await _sink.NextAsync());
        Assert.Equal(2, _server.Unseen("/apis/g/v1/nodes"));
    }

    [Fact]
    public async Task A_resource_that_may_be_forbidden_counts_as_absent_with_one_warning_that_says_which_rule_to_add()
    {
        var clock = new StepClock();
        _server.On(Path, Status(403, "Forbidden")).On(Path, Status(403, "Forbidden")).On(Path, Json(NodeList("7", ["a"])));
        Run(new ReflectorOptions(), clock, resource: new WatchedResource("nodes", Path[1..], MayBeAbsent: true) { IsOptional = true });

        Assert.Equal("replace  consistent", await _sink.NextAsync());
        Assert.True(_reflector.HasSynced);
        clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60)));
        Assert.Equal("replace  consistent", await _sink.NextAsync());
        clock.Advance(await clock.TimerAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(60)));
        Assert.Equal("replace a cached", await _sink.NextAsync());
        Assert.Contains("add to the ClusterRole", Assert.Single(_logger.Entries, e => e.Id == 2021).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_list_anew_interrupts_a_watch_reads_by_quorum_and_ends_when_the_sink_has_it()
    {
        _server.On(Path, Json(NodeList("7", ["a"]))).On(Path, Json(NodeList("50", ["b"])));
        _server.OnWatch(Path, LinesThenSilence()).OnWatch(Path, LinesThenSilence());
        Run();
        Assert.Equal("replace a cached", await _sink.NextAsync());
        await _server.WatchAsync(Path);

        await _reflector.ListAnewAsync(TestContext.Current.CancellationToken);

        Assert.Equal(1, _sink.Pending);
        Assert.Equal("replace b consistent", await _sink.NextAsync());
        Assert.Equal("50", (await _server.WatchAsync(Path))["resourceVersion"]);
        Assert.DoesNotContain(_logger.Entries, e => e.Level >= Microsoft.Extensions.Logging.LogLevel.Warning);
    }

    [Fact]
    public async Task A_list_anew_does_not_wait_for_a_pause_and_goes_on_over_failures()
    {
        var never = s_quick with { BackoffLeast = TimeSpan.FromHours(1), BackoffMost = TimeSpan.FromHours(1) };
        _server.On(Path, Status(500, "InternalError")).On(Path, Status(500, "InternalError")).On(Path, Json(NodeList("50", ["b"])));
        Run(never);
        await _server.RequestAsync(Path);

        var first = _reflector.ListAnewAsync(TestContext.Current.CancellationToken);
        await _server.RequestAsync(Path);
        var second = _reflector.ListAnewAsync(TestContext.Current.CancellationToken);

        await Task.WhenAll(first, second);
        Assert.Equal("replace b consistent", await _sink.NextAsync());
    }

    [Fact]
    public async Task A_list_that_began_before_it_was_wanted_anew_does_not_count()
    {
        var begun = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        _server.On(Path, async context =>
        {
            begun.SetResult();
            await go.Task;
            await Json(NodeList("7", ["old"]))(context);
        }).On(Path, Json(NodeList("50", ["new"])));
        Run();
        await begun.Task;
        var anew = _reflector.ListAnewAsync(TestContext.Current.CancellationToken);
        go.SetResult();

        await anew;

        Assert.Equal(["replace old cached", "replace new consistent"], await NextAsync(2));
    }

    [Fact]
    public async Task Cancellation_ends_it()
    {
        _server.On(Path, Json(NodeList("7", ["a"])));
        _server.OnWatch(Path, LinesThenSilence());
        Run();

        await _sink.NextAsync();
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _run.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_field_selector_goes_with_lists_and_watches()
    {
        _server.On(Path, Json(NodeList("7", ["a"])));
        Run(resource: new WatchedResource("nodes", Path[1..], FieldSelector: "status.phase!=Succeeded,status.phase!=Failed"));

        Assert.Equal("status.phase!=Succeeded,status.phase!=Failed", (await _server.RequestAsync(Path))["fieldSelector"]);
        Assert.Equal("status.phase!=Succeeded,status.phase!=Failed", (await _server.WatchAsync(Path))["fieldSelector"]);
    }

    [Fact]
    public async Task A_list_of_5000_nodes_needs_memory_for_what_is_kept_and_not_for_its_text()
    {
        var message = GpuScheduler.Testing.Fixtures.Wire("filter.nodeCacheCapable-false.request.json");
        var node = FirstNode(message);
        var body = new MemoryStream();
        body.Write("""{"metadata":{"resourceVersion":"7"},"items":["""u8);
        for (var i = 0; i < 5000; i++)
        {
            body.Write(i == 0 ? ""u8 : ","u8);
            body.Write(node);
        }

        body.Write("]}"u8);
        body.Position = 0;
        var reader = new ListReader<NodeObject>(static json => NodeJsonReader.Read(json), _ => { });
        using var window = new StreamWindow(body);
        var before = GC.GetAllocatedBytesForCurrentThread();
        int used;
        while (!reader.Read(window.Unused, window.IsCompleted, out used))
        {
            window.Use(used);

            // A memory stream answers at once, on this thread.
            await window.ReadAsync(CancellationToken.None);
        }

        var perNode = (GC.GetAllocatedBytesForCurrentThread() - before) / 5000;
        Assert.Equal(5000, reader.Items.Count);
        TestContext.Current.SendDiagnosticMessage($"{body.Length / 5000} bytes of JSON a node, {perNode} bytes allocated a node");
        Assert.InRange(perNode, 1, 3000);
        Assert.Same(reader.Items[0].Labels["nvidia.com/gpu.product"], reader.Items[4999].Labels["nvidia.com/gpu.product"]);
    }

    private static ReadOnlySpan<byte> FirstNode(byte[] message)
    {
        var start = message.AsSpan().IndexOf("\"items\":["u8) + "\"items\":["u8.Length;
        var json = new System.Text.Json.Utf8JsonReader(message.AsSpan(start), isFinalBlock: false, default);
        json.Read();
        Assert.True(json.TrySkip());
        return message.AsSpan(start, (int)json.BytesConsumed);
    }

    private async Task<string[]> NextAsync(int count)
    {
        var calls = new string[count];
        for (var i = 0; i < count; i++)
        {
            calls[i] = await _sink.NextAsync();
        }

        return calls;
    }

    private void Run(ReflectorOptions? options = null, StepClock? clock = null, bool mayBeAbsent = false, WatchedResource? resource = null)
    {
        _connection = _server.Connect();
        _reflector = new Reflector<NodeObject>(
            _connection,
            resource ?? new WatchedResource("nodes", Path[1..], MayBeAbsent: mayBeAbsent),
            static json => NodeJsonReader.Read(json),
            _sink,
            options ?? s_quick,
            clock ?? TimeProvider.System,
            _logger);
        _run = _reflector.RunAsync(_stop.Token);
    }
}
