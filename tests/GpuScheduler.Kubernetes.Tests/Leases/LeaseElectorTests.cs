using System.Globalization;
using System.Text.Json.Nodes;
using GpuScheduler.Kubernetes.Leases;
using Microsoft.AspNetCore.Http;
using Xunit;
using static GpuScheduler.Kubernetes.Tests.FakeApiServer;

namespace GpuScheduler.Kubernetes.Tests.Leases;

/// <summary>Replicas that contend for a lease, attempt by attempt, on a clock that the test moves, against an API server that keeps one Lease.</summary>
public sealed class LeaseElectorTests : IAsyncLifetime
{
    private const string Path = "/apis/coordination.k8s.io/v1/namespaces/gpu/leases";
    private const string OwnPath = Path + "/lead";

    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);

    private readonly ShiftingClock _time = new();
    private readonly RecordingLogger<LeaseElector> _log = new();
    private readonly List<KubernetesConnection> _connections = [];
    private FakeApiServer _server = null!;
    private JsonObject? _lease;
    private int _version;
    private Func<HttpContext, Task<bool>>? _instead;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _server = await StartAsync();
        for (var i = 0; i < 2000; i++)
        {
            _server.On(Path, AnswerAsync).On(OwnPath, AnswerAsync);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _connections.ForEach(c => c.Dispose());
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Of_two_that_contend_for_a_new_lease_one_leads()
    {
        using var a = Elector("a");
        using var b = Elector("b");
        await Task.WhenAll(a.TryOnceAsync(Cancellation), b.TryOnceAsync(Cancellation));
        await Task.WhenAll(a.TryOnceAsync(Cancellation), b.TryOnceAsync(Cancellation));

        Assert.NotEqual(a.IsLeader, b.IsLeader);
        Assert.Equal(a.IsLeader ? "a" : "b", Holder);
    }

    [Fact]
    public async Task A_leader_that_renews_stays_and_the_other_never_begins()
    {
        using var a = Elector("a");
        using var b = Elector("b");
        for (var i = 0; i < 60; i++)
        {
            await a.TryOnceAsync(Cancellation);
            await b.TryOnceAsync(Cancellation);
            Assert.True(a.IsLeader);
            Assert.False(b.IsLeader);
            _time.Pass(s_retry);
        }

        Assert.Equal(1, a.Terms);
        Assert.False(b.TryEnter(out _, out var refusal));
        Assert.Equal("this replica may not write: a holds the lease gpu/lead", refusal);
    }

    [Fact]
    public async Task A_crashed_leader_is_followed_after_its_lease_and_not_before()
    {
        using var a = Elector("a");
        using var b = Elector("b");
        await a.TryOnceAsync(Cancellation);
        await b.TryOnceAsync(Cancellation);
        for (var waited = TimeSpan.Zero; waited < TimeSpan.FromSeconds(3); waited += s_retry)
        {
            await b.TryOnceAsync(Cancellation);
            Assert.False(b.IsLeader);
            _time.Pass(s_retry);
        }

        await b.TryOnceAsync(Cancellation);
        Assert.True(b.IsLeader);
        Assert.Equal(1, (int)_lease!["spec"]!["leaseTransitions"]!);
    }

    [Fact]
    public async Task A_leader_that_cannot_renew_stops_writing_before_another_can_begin()
    {
        using var a = Elector("a");
        using var b = Elector("b");
        await a.TryOnceAsync(Cancellation);
        Assert.True(a.TryEnter(out var ends, out _));
        await b.TryOnceAsync(Cancellation);
        _instead = async context =>
        {
            await Status(500, "InternalError", "etcdserver: request timed out")(context);
            return true;
        };

        var last = TimeSpan.Zero;
        for (var waited = TimeSpan.Zero; waited < TimeSpan.FromSeconds(5); waited += TimeSpan.FromMilliseconds(100))
        {
            await a.TryOnceAsync(Cancellation);
            last = a.IsLeader ? waited : last;
            _time.Pass(TimeSpan.FromMilliseconds(100));
        }

        Assert.InRange(last, TimeSpan.FromSeconds(1.8), TimeSpan.FromSeconds(2));
        Assert.True(ends.IsCancellationRequested);
        Assert.False(a.TryEnter(out _, out var refusal));
        Assert.Contains("has not renewed it for 2 s", refusal, StringComparison.Ordinal);
        Assert.Single(_log.Entries, e => e.Id == 2052); // the same failure is said once

        _instead = null;
        await b.TryOnceAsync(Cancellation);
        Assert.True(b.IsLeader);
        await a.TryOnceAsync(Cancellation);
        Assert.False(a.IsLeader);
    }

    [Fact]
    public async Task What_is_over_is_over_even_before_anybody_looks()
    {
        using var a = Elector("a");
        await a.TryOnceAsync(Cancellation);
        Assert.True(a.TryEnter(out var ends, out _));
        _time.PassSilently(TimeSpan.FromSeconds(2)); // as after a pause of the whole process: no timer has fired

        Assert.False(ends.IsCancellationRequested);
        Assert.False(a.TryEnter(out _, out _));

        await a.TryOnceAsync(Cancellation);
        Assert.True(a.IsLeader);
        Assert.Equal(2, a.Terms);
        Assert.True(ends.IsCancellationRequested); // what was begun in the first term is not finished in the second
    }

    [Fact]
    public async Task The_time_counts_from_when_the_renewal_was_sent()
    {
        using var a = Elector("a");
        await a.TryOnceAsync(Cancellation);
        _instead = _ =>
        {
            _time.Pass(TimeSpan.FromSeconds(1.5)); // that long the answer takes
            return Task.FromResult(false);
        };
        await a.TryOnceAsync(Cancellation);
        Assert.True(a.IsLeader);
        _time.Pass(TimeSpan.FromSeconds(0.6));
        Assert.False(a.IsLeader);
    }

    [Fact]
    public async Task An_answer_that_takes_longer_than_the_lease_is_good_for_makes_no_leader()
    {
        using var a = Elector("a");
        _instead = _ =>
        {
            _time.Pass(TimeSpan.FromSeconds(2));
            return Task.FromResult(false);
        };
        await a.TryOnceAsync(Cancellation);
        Assert.Equal("a", Holder);
        Assert.False(a.IsLeader);
    }

    [Theory]
    [InlineData(3600, false)]
    [InlineData(-3600, true)]
    public async Task A_wall_clock_that_jumps_never_lets_two_write(int seconds, bool stays)
    {
        using var a = Elector("a");
        using var b = Elector("b");
        await a.TryOnceAsync(Cancellation);
        await b.TryOnceAsync(Cancellation);
        _time.Jump(TimeSpan.FromSeconds(seconds));

        // Ahead: the lease is taken for old until it is renewed. Back: the monotonic clock goes on counting.
        Assert.Equal(stays, a.IsLeader);
        await b.TryOnceAsync(Cancellation);
        Assert.False(b.IsLeader);
        _time.Pass(TimeSpan.FromSeconds(2));
        Assert.False(a.IsLeader);
        await a.TryOnceAsync(Cancellation);
        Assert.True(a.IsLeader);
        await b.TryOnceAsync(Cancellation);
        Assert.False(b.IsLeader);
    }

    [Fact]
    public async Task A_stolen_lease_ends_the_term()
    {
        using var a = Elector("a");
        await a.TryOnceAsync(Cancellation);
        Assert.True(a.TryEnter(out var ends, out _));
        Steal("thief");

        await a.TryOnceAsync(Cancellation);

        Assert.False(a.IsLeader);
        Assert.True(ends.IsCancellationRequested);
        Assert.Contains(_log.Entries, e => e.Id == 2051 && e.Text.Contains("thief has taken it", StringComparison.Ordinal));
        Assert.Equal("thief", a.Holder);
    }

    [Fact]
    public async Task A_deleted_lease_is_created_again()
    {
        using var a = Elector("a");
        await a.TryOnceAsync(Cancellation);
        _lease = null;
        await a.TryOnceAsync(Cancellation);
        Assert.True(a.IsLeader);
        Assert.Equal(("a", 1), (Holder, a.Terms));
    }

    [Fact]
    public async Task A_renewal_whose_answer_was_lost_is_found_again()
    {
        using var a = Elector("a");
        await a.TryOnceAsync(Cancellation);
        var lose = true;
        _instead = async context =>
        {
            if (context.Request.Method == "PUT" && lose)
            {
                lose = false;
                await WriteAsync(context, answer: false);
                context.Abort();
                return true;
            }

            return false;
        };
        await a.TryOnceAsync(Cancellation);
        _time.Pass(s_retry);
        await a.TryOnceAsync(Cancellation);
        _time.Pass(TimeSpan.FromSeconds(1.9));
        Assert.True(a.IsLeader);
        Assert.Equal(1, a.Terms);
    }

    [Fact]
    public async Task A_released_lease_is_taken_at_once_and_not_taken_back()
    {
        using var a = Elector("a");
        using var b = Elector("b");
        await a.TryOnceAsync(Cancellation);
        await b.TryOnceAsync(Cancellation);
        Assert.True(a.TryEnter(out var ends, out _));

        await a.ReleaseAsync(Cancellation);
        Assert.True(ends.IsCancellationRequested);
        Assert.Equal("", Holder);
        await a.TryOnceAsync(Cancellation);
        Assert.False(a.IsLeader);
        await b.TryOnceAsync(Cancellation);
        Assert.True(b.IsLeader);
    }

    [Fact]
    public async Task Who_does_not_lead_releases_nothing()
    {
        using var a = Elector("a");
        using var b = Elector("b");
        await a.TryOnceAsync(Cancellation);
        await b.TryOnceAsync(Cancellation);
        await b.ReleaseAsync(Cancellation);
        Assert.Equal("a", Holder);
    }

    [Fact]
    public async Task A_lease_that_cannot_be_released_is_said_and_writes_end_all_the_same()
    {
        using var a = Elector("a");
        await a.TryOnceAsync(Cancellation);
        _instead = async context =>
        {
            await Status(500, "InternalError")(context);
            return true;
        };
        await a.ReleaseAsync(Cancellation);
        Assert.False(a.IsLeader);
        Assert.Contains(_log.Entries, e => e.Id == 2054);
    }

    [Fact]
    public async Task The_holders_own_word_on_its_duration_counts()
    {
        using var a = Elector("a", duration: TimeSpan.FromSeconds(10));
        using var b = Elector("b");
        await a.TryOnceAsync(Cancellation);
        await b.TryOnceAsync(Cancellation);
        _time.Pass(TimeSpan.FromSeconds(9.9));
        await b.TryOnceAsync(Cancellation);
        Assert.False(b.IsLeader);
        _time.Pass(TimeSpan.FromSeconds(0.2));
        await b.TryOnceAsync(Cancellation);
        Assert.True(b.IsLeader);
    }

    [Fact]
    public async Task Who_may_not_use_leases_is_told_the_rule_that_lacks()
    {
        using var a = Elector("a");
        _instead = async context =>
        {
            await Status(403, "Forbidden")(context);
            return true;
        };
        await a.TryOnceAsync(Cancellation);
        Assert.Contains("apiGroups: [\"coordination.k8s.io\"], resources: [\"leases\"], verbs: [get]", Assert.Single(_log.Entries).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task However_attempts_and_failures_fall_two_never_write_at_once()
    {
        for (var seed = 0; seed < 25; seed++)
        {
            var random = new Random(seed);
            _lease = null;
            var replicas = Enumerable.Range(0, 3).Select(i => Elector($"{seed}-{i}")).ToList();
            _instead = async context =>
            {
                switch (random.Next(10))
                {
                    case 0:
                        await Status(500, "InternalError")(context);
                        return true;
                    case 1 when context.Request.Method != "GET":
                        await WriteAsync(context, answer: false);
                        context.Abort();
                        return true;
                    case 2:
                        _time.Pass(TimeSpan.FromMilliseconds(random.Next(1500)));
                        return false;
                    default:
                        return false;
                }
            };
            for (var step = 0; step < 40; step++)
            {
                var one = replicas[random.Next(replicas.Count)];
                await one.TryOnceAsync(Cancellation);
                Assert.True(replicas.Count(r => r.IsLeader) <= 1, $"seed {seed}, step {step}");
                if (random.Next(30) == 0)
                {
                    _time.Jump(TimeSpan.FromSeconds(random.Next(-100, 100)));
                }

                _time.Pass(TimeSpan.FromMilliseconds(random.Next(600)));
                Assert.True(replicas.Count(r => r.IsLeader) <= 1, $"seed {seed}, step {step}");
            }

            replicas.ForEach(r => r.Dispose());
        }
    }

    [Fact]
    public async Task A_fenced_connection_reads_and_does_not_write()
    {
        using var a = Elector("a");
        using var fenced = new KubernetesConnection(new() { Host = _server.Url.ToString() }, new(), null, a);
        var rule = new RbacRule("", "things", "create");
        for (var i = 0; i < 3; i++)
        {
            _server.On("/things", Json("{}"));
        }

        await fenced.CallAsync(HttpMethod.Get, "things", null, rule, Cancellation);
        var refused = await Assert.ThrowsAsync<KubernetesApiException>(() => fenced.CallAsync(HttpMethod.Post, "things", "{}"u8.ToArray(), rule, Cancellation));
        Assert.True(refused.NeverSent);
        Assert.StartsWith("this replica may not write: it does not hold the lease gpu/lead", refused.Message, StringComparison.Ordinal);
        await a.TryOnceAsync(Cancellation);
        await fenced.CallAsync(HttpMethod.Post, "things", "{}"u8.ToArray(), rule, Cancellation);
    }

    [Fact]
    public async Task A_write_that_is_on_its_way_when_the_lease_ends_is_given_up_and_has_no_known_outcome()
    {
        using var a = Elector("a");
        using var fenced = new KubernetesConnection(new() { Host = _server.Url.ToString() }, new(), null, a);
        await a.TryOnceAsync(Cancellation);
        var call = fenced.CallAsync(HttpMethod.Post, "silent", "{}"u8.ToArray(), new("", "things", "create"), Cancellation);
        await _server.RequestAsync("/silent");
        _time.Pass(TimeSpan.FromSeconds(2));
        var broken = await Assert.ThrowsAsync<KubernetesApiException>(() => call);
        Assert.Equal("the right to write ended while the call was on its way", broken.Message);
        Assert.False(broken.NeverSent);
    }

    private string? Holder => (string?)_lease?["spec"]?["holderIdentity"];

    private LeaseElector Elector(string identity, TimeSpan? duration = null)
    {
        var connection = _server.Connect();
        _connections.Add(connection);
        return new LeaseElector(connection, new LeaseOptions { Namespace = "gpu", Name = "lead", Identity = identity, Duration = duration ?? TimeSpan.FromSeconds(3) }, _log, _time);
    }

    private void Steal(string thief)
    {
        _lease!["spec"]!["holderIdentity"] = thief;
        _lease["metadata"]!["resourceVersion"] = (++_version).ToString(CultureInfo.InvariantCulture);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (_instead is { } instead && await instead(context))
        {
            return;
        }

        await WriteAsync(context, answer: true);
    }

    private Task WriteAsync(HttpContext context, bool answer)
    {
        Answer? refusal = null;
        if (context.Request.Method == "GET" || context.Request.Method == "PUT")
        {
            refusal = _lease is null ? Status(404, "NotFound") : null;
        }

        if (refusal is null && context.Request.Method != "GET")
        {
            var sent = JsonNode.Parse(Body(context))!.AsObject();
            var version = (string?)sent["metadata"]!["resourceVersion"];
            if (context.Request.Method == "POST" ? _lease is not null : version != (string?)_lease!["metadata"]!["resourceVersion"])
            {
                refusal = Status(409, "Conflict");
            }
            else
            {
                sent["metadata"]!["resourceVersion"] = (++_version).ToString(CultureInfo.InvariantCulture);
                _lease = sent;
            }
        }

        return answer ? (refusal ?? Json(_lease!.ToJsonString()))(context) : Task.CompletedTask;
    }
}
