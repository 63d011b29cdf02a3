using System.Net;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.V1;
using Grpc.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>What a replica answers, by what it is among the replicas.</summary>
public sealed class ReadinessTests : IAsyncLifetime
{
    private static readonly string s_args = Requests.Args(Requests.Pod("a", 1), "h100-01");
    private static readonly string s_binding = Requests.Binding("a", "h100-01");

    private RunningService _service = null!;

    private Readiness Readiness => _service.Services.GetRequiredService<Readiness>();

    public async ValueTask InitializeAsync()
    {
        _service = await RunningService.StartAsync();
        Readiness.SetWarm();
    }

    public ValueTask DisposeAsync() => _service.DisposeAsync();

    [Fact]
    public async Task A_follower_could_take_over_but_is_not_ready_and_answers_verbs_with_503_in_words()
    {
        Readiness.Standing = Standing.Follower;

        Assert.Equal("200 ready, follower\n", (await _service.GetAsync("/syncz")).ToString());
        Assert.Equal("503 not ready: another replica leads, or none does yet\n", (await _service.GetAsync("/readyz")).ToString());
        Assert.Equal("200 ok\n", (await _service.GetAsync("/healthz")).ToString());
        foreach (var (verb, body) in new[] { ("filter", s_args), ("prioritize", s_args), ("preempt", "{}"), ("bind", s_binding) })
        {
            var answer = await _service.PostAsync(verb, body);
            Assert.Equal((HttpStatusCode.ServiceUnavailable, Readiness.NotLeader), (answer.Status, answer.Error));
        }

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new SchedulerExtender.SchedulerExtenderClient(_service.Grpc).FilterAsync(
            new FilterRequest { Pod = Requests.Message("a", new()), NodeNames = { "h100-01" } }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal((StatusCode.Unavailable, Readiness.NotLeader), (refused.StatusCode, refused.Status.Detail));
        Assert.Equal(HttpStatusCode.OK, (await _service.GetAsync("/v1/nodes")).Status);
    }

    [Fact]
    public async Task Who_stops_binds_what_it_let_through_and_lets_nothing_more_through()
    {
        Assert.Contains("h100-01", AnswerShape.Filter((await _service.PostAsync("filter", s_args)).Json));
        Readiness.Standing = Standing.Draining;

        Assert.Equal((HttpStatusCode.ServiceUnavailable, Readiness.Stopping), ((await _service.PostAsync("filter", s_args)) is var answer ? answer.Status : default, answer.Error));
        Assert.Equal(HttpStatusCode.OK, (await _service.PostAsync("prioritize", s_args)).Status);
        Assert.Equal("", (await _service.PostAsync("bind", s_binding)).Error);
        Assert.Equal("200 ready\n", (await _service.GetAsync("/readyz")).ToString());
    }

    [Fact]
    public async Task A_refusal_closes_the_connection_so_that_the_next_call_finds_the_leader()
    {
        Readiness.Standing = Standing.Follower;
        using var answer = await _service.Http.PostAsync(new Uri("filter", UriKind.Relative), new StringContent(s_args), TestContext.Current.CancellationToken);
        Assert.True(answer.Headers.ConnectionClose);
    }

    [Fact]
    public void Idle_is_who_answers_nothing_and_was_asked_nothing_for_a_while()
    {
        var readiness = new Readiness();
        Assert.True(readiness.IsIdle(TimeSpan.Zero));
        Assert.False(readiness.IsIdle(TimeSpan.FromHours(1)));
        using (readiness.Enter())
        {
            Assert.False(readiness.IsIdle(TimeSpan.Zero));
        }

        Assert.True(readiness.IsIdle(TimeSpan.Zero));
    }
}
