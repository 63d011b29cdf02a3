using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Shadow;
using GpuScheduler.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Shadow;

/// <summary>The shadow in the whole service.</summary>
public sealed class ShadowServiceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_a_profile_there_is_none_and_it_says_how_to_have_one()
    {
        await using var service = await RunningService.StartAsync();
        var shadow = (await service.GetAsync("/v1/shadow")).Json;
        Assert.Equal("off", shadow.GetProperty("state").GetString());
        Assert.Contains("Shadow:Profile", shadow.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Null(service.Services.GetService<ShadowService>());
        Assert.Null(service.Services.GetRequiredService<ClusterState>().Observer);
    }

    [Fact]
    public async Task The_same_profile_differs_in_nothing_and_decisions_are_as_without_it()
    {
        await using var plain = await RunningService.StartAsync();
        await using var service = await StartAsync("default");
        var expected = await ScheduleAsync(plain, 20);
        Assert.Equal(expected, await ScheduleAsync(service, 20));
        var shadow = await WhenAsync(service, s => s.GetProperty("pods").GetInt32() >= 20);
        Assert.Equal("control", shadow.GetProperty("comparedWith").GetString());
        Assert.All(
            shadow.GetProperty("figures").GetProperty("difference").EnumerateObject().Where(f => f.Name != "decisionSeconds" && f.Value.ValueKind == JsonValueKind.Number),
            f => Assert.Equal(0, f.Value.GetDouble()));
        Assert.Equal(0, shadow.GetProperty("places").GetProperty("elsewhere").GetInt32());
        Assert.Empty(shadow.GetProperty("differences").EnumerateArray());
        Assert.NotEqual(0, shadow.GetProperty("places").GetProperty("same").GetInt32());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_profile_decides_differently_without_effect(bool control)
    {
        await using var plain = await RunningService.StartAsync();
        await using var service = await StartAsync("random", ("Shadow:Control", control.ToString()));
        Assert.Equal(await ScheduleAsync(plain, 24), await ScheduleAsync(service, 24));
        var shadow = await WhenAsync(service, s => s.GetProperty("pods").GetInt32() >= 24 && s.GetProperty("differences").GetArrayLength() > 0);
        var reference = control ? "control" : "live";
        Assert.Equal(reference, shadow.GetProperty("comparedWith").GetString());
        Assert.Equal(control ? ["live", "control", "shadow", "difference"] : ["live", "shadow", "difference"], shadow.GetProperty("figures").EnumerateObject().Select(f => f.Name));
        Assert.True(shadow.GetProperty("places").GetProperty("elsewhere").GetInt32() > 0);
        Assert.All(shadow.GetProperty("differences").EnumerateArray(), d => Assert.NotEqual(d.GetProperty(reference).GetString(), d.GetProperty("shadow").GetString()));
        Assert.StartsWith("team/pod-", shadow.GetProperty("differences")[0].GetProperty("pod").GetString(), StringComparison.Ordinal);

        // By the GPUs themselves: what one side has in use and what it has left are all there are.
        foreach (var side in shadow.GetProperty("figures").EnumerateObject().Where(f => f.Name != "difference"))
        {
            Assert.Equal(shadow.GetProperty("gpus").GetInt32(), side.Value.GetProperty("allocatedGpus").GetDouble() + side.Value.GetProperty("idleGpus").GetDouble(), 0.05);
        }
    }

    [Fact]
    public async Task When_too_much_waits_it_begins_anew_and_decisions_go_on()
    {
        await using var service = await StartAsync("random", ("Shadow:QueueLimit", "16"));
        var cluster = service.Services.GetRequiredService<ClusterState>();
        for (var i = 0; i < 20_000 && service.Services.GetRequiredService<ShadowFeed>().IsOpen; i++)
        {
            cluster.UpsertPod(new PodBuilder($"flood-{i}").Request("cpu", "1m").On("cpu-01").Build());
        }

        Assert.Single(await ScheduleAsync(service, 1), n => n.Length > 0);
        var shadow = await WhenAsync(service, s => s.GetProperty("ends").GetInt32() == 1);
        Assert.Equal("overflow", shadow.GetProperty("lastEnd").GetString());
    }

    [Fact]
    public async Task A_fault_ends_the_comparison_and_nothing_else()
    {
        await using var service = await StartAsync("random");
        service.Services.GetRequiredService<ShadowFeed>().Changing(new ClusterChange(ClusterChangeKind.UpsertPod));
        Assert.Single(await ScheduleAsync(service, 1), n => n.Length > 0);
        var shadow = await WhenAsync(service, s => s.GetProperty("ends").GetInt32() == 1);
        Assert.Equal("fault", shadow.GetProperty("lastEnd").GetString());
    }

    [Fact]
    public async Task It_waits_while_another_replica_decides_and_begins_anew_when_another_profile_serves()
    {
        await using var service = await StartAsync("random");
        var inUse = service.Services.GetRequiredService<SettingsInUse>();
        inUse.Options = new ExtenderOptions { Profiles = inUse.Options.Profiles, Engine = new ExtenderOptions.EngineSettings { AnswerOneNode = true } };
        await Task.Delay(600, Cancellation);
        Assert.Equal(0, (await service.GetAsync("/v1/shadow")).Json.GetProperty("ends").GetInt32());
        inUse.Options = new ExtenderOptions { Profiles = inUse.Options.Profiles, Engine = new ExtenderOptions.EngineSettings { Weights = new ScoreWeights { Topology = 3 } } };
        await WhenAsync(service, s => s.GetProperty("lastEnd").GetString() == "profile");
        service.Services.GetRequiredService<Readiness>().Standing = Standing.Follower;
        for (var tries = 0; (await service.GetAsync("/v1/shadow")).Json.GetProperty("state").GetString() != "standby"; tries++)
        {
            Assert.True(tries < 300, "it goes on");
            await Task.Delay(50, Cancellation);
        }

        Assert.False(service.Services.GetRequiredService<ShadowFeed>().IsOpen);
        service.Services.GetRequiredService<Readiness>().Standing = Standing.Leader;
        await WhenAsync(service, s => s.GetProperty("lastEnd").GetString() == "standby");
    }

    [Fact]
    public async Task It_is_shown_by_the_pages_own_files_alone()
    {
        await using var service = await RunningService.StartAsync();
        foreach (var path in new[] { "/shadow", "/shadow.js" })
        {
            using var answer = await service.Http.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
            Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")), StringComparison.Ordinal);
            var text = await answer.Content.ReadAsStringAsync(Cancellation);
            Assert.All(new[] { "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "sessionStorage", "cookie" }, sink => Assert.DoesNotContain(sink, text, StringComparison.Ordinal));
        }
    }

    /// <summary>A service whose shadow compares.</summary>
    internal static async Task<RunningService> StartAsync(string policy, params (string Key, string? Value)[] settings)
    {
        var service = await RunningService.StartAsync([("Profiles:other:Policy", policy), ("Shadow:Profile", "other"), ("Shadow:Interval", "00:00:00.1"), .. settings]);
        await WhenAsync(service, _ => true);
        return service;
    }

    /// <summary>Pods come, are asked about, and bound to the best node, as kube-scheduler has it. Returns their nodes; "" for none.</summary>
    internal static async Task<List<string>> ScheduleAsync(RunningService service, int count)
    {
        var nodes = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var uid = $"shadowed-{i}";
            var pod = Requests.Pod(uid, i % 5 == 4 ? new PodShape { ShareCount = 1, ShareMilli = 300 } : new PodShape { Whole = 1 << (i % 4) });
            var passed = (await service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes))).Json.GetProperty("NodeNames").EnumerateArray().Select(n => n.GetString()!).ToList();
            var node = "";
            if (passed.Count > 0)
            {
                var scores = (await service.PostAsync("prioritize", Requests.Args(pod, passed))).Json.EnumerateArray();
                node = scores.MaxBy(s => s.GetProperty("Score").GetInt32()).GetProperty("Host").GetString()!;
                Assert.Equal("", (await service.PostAsync("bind", Requests.Binding(uid, node))).Error);
            }

            nodes.Add(node);
        }

        return nodes;
    }

    /// <summary>What /v1/shadow says once it compares and a condition holds.</summary>
    internal static async Task<JsonElement> WhenAsync(RunningService service, Func<JsonElement, bool> condition)
    {
        for (var tries = 0; ; tries++)
        {
            var shadow = (await service.GetAsync("/v1/shadow")).Json;
            if (shadow.TryGetProperty("figures", out _) && condition(shadow))
            {
                return shadow;
            }

            Assert.True(tries < 600, $"it did not come to that: {string.Concat(shadow.ToString().Take(2000))}");
            await Task.Delay(50, Cancellation);
        }
    }
}
