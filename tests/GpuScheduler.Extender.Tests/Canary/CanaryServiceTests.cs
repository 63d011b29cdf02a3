using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Canary;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Tests.Settings;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Canary;

/// <summary>A canary in the whole service.</summary>
public sealed class CanaryServiceTests : IDisposable
{
    private const string WithCanary = """{"Profiles":{"try":{"Policy":"mostallocated"} },"Canary":{"Profile":"try","Namespaces":"team-b","MinPods":10} }""";

    private readonly ConfigFile _file = new(WithCanary);
    private int _pods;

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_canary_that_refuses_everything_is_withdrawn_and_its_pods_are_placed()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path, ("Engine:AnswerOneNode", "true"), ("Holds:TentativeHold", "00:00:00.1"));
        var engine = service.Services.GetRequiredService<SchedulingEngine>();
        var canary = engine.Options.Canary!;
        engine.Apply(engine.Options with { Canary = canary with { Profile = canary.Profile with { Filters = [new RefuseAll()] } } });
        Assert.Equal("serves", (await CanaryAsync(service)).GetProperty("state").GetString());
        for (var i = 0; i < 12; i++)
        {
            Assert.True(await PassesAsync(service, "team-a"));
        }

        for (var i = 0; i < 10; i++)
        {
            Assert.False(await PassesAsync(service, "team-b"));
        }

        Assert.True(await PassesAsync(service, "team-b"));
        var stands = await CanaryAsync(service);
        Assert.Equal("withdrawn", stands.GetProperty("state").GetString());
        Assert.StartsWith("it refused 10 of 10 pods at first, the other profile 0 of 12;", stands.GetProperty("withdrawn").GetProperty("why").GetString(), StringComparison.Ordinal);
        Assert.Equal("withdrawn", (await service.GetAsync("/v1/config")).Json.GetProperty("canary").GetProperty("state").GetString());
        Assert.Equal("base", (await service.GetAsync("/v1/canary?namespace=team-b")).Json.GetProperty("profile").GetString());

        // It stays withdrawn while the rest of the file changes, and begins anew when its own settings do.
        _file.Write(WithCanary.Insert(1, "\"Holds\":{\"PromiseHold\":\"00:00:50\"},"));
        Assert.True(service.Services.GetRequiredService<SettingsReloader>().Reload());
        Assert.Equal("withdrawn", (await CanaryAsync(service)).GetProperty("state").GetString());
        Assert.Null(engine.Options.Canary);
        _file.Write(WithCanary.Replace("\"MinPods\":10", "\"MinPods\":11", StringComparison.Ordinal));
        Assert.True(service.Services.GetRequiredService<SettingsReloader>().Reload());
        Assert.Equal("serves", (await CanaryAsync(service)).GetProperty("state").GetString());
        Assert.Equal("try", (await service.GetAsync("/v1/canary?namespace=team-b")).Json.GetProperty("profile").GetString());
        Assert.True(await PassesAsync(service, "team-b"));
    }

    [Fact]
    public async Task Decisions_say_which_profile_decided()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path);
        await PassesAsync(service, "team-a");
        await PassesAsync(service, "team-b");
        await service.PostAsync("bind", Requests.Binding("canary-1", "h100-03").Replace("\"PodNamespace\":\"team\"", "\"PodNamespace\":\"team-b\"", StringComparison.Ordinal));
        var decisions = (await service.GetAsync("/v1/decisions")).Json.GetProperty("decisions").EnumerateArray().Select(d => (d.GetProperty("verb").GetString(), d.GetProperty("profile").GetString()));
        Assert.Equal([("bind", "try"), ("filter", "try"), ("filter", "base")], decisions);

        _file.Write("{}");
        Assert.True(service.Services.GetRequiredService<SettingsReloader>().Reload());
        await PassesAsync(service, "team-b");
        Assert.False((await service.GetAsync("/v1/decisions")).Json.GetProperty("decisions")[0].TryGetProperty("profile", out _));
        Assert.Equal("none", (await CanaryAsync(service)).GetProperty("state").GetString());
    }

    [Fact]
    public async Task One_that_takes_too_long_is_withdrawn()
    {
        _file.Write(WithCanary.Replace("\"MinPods\":10", "\"MinDecisions\":5,\"MaxLatency\":\"00:00:00.0001\"", StringComparison.Ordinal));
        await using var service = await RunningService.StartWithAsync(_file.Path);
        var engine = service.Services.GetRequiredService<SchedulingEngine>();
        engine.Apply(engine.Options with { Canary = engine.Options.Canary! with { Profile = engine.Options.Canary.Profile with { Filters = [new Slow()] } } });
        for (var i = 0; i < 5; i++)
        {
            await PassesAsync(service, "team-b");
        }

        var stands = await CanaryAsync(service);
        Assert.Equal("withdrawn", stands.GetProperty("state").GetString());
        Assert.Equal("5 of 5 decisions took longer than 0.1 ms, and one of a hundred is allowed", stands.GetProperty("withdrawn").GetProperty("why").GetString());
    }

    private async Task<bool> PassesAsync(RunningService service, string podNamespace)
    {
        var pod = Requests.Pod($"canary-{_pods++}", 1).Replace("\"namespace\":\"team\"", $"\"namespace\":\"{podNamespace}\"", StringComparison.Ordinal);
        return AnswerShape.Filter((await service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes))).Json).Count > 0;
    }

    private static async Task<JsonElement> CanaryAsync(RunningService service) => (await service.GetAsync("/v1/canary")).Json;

    private sealed class RefuseAll : IFilterPlugin
    {
        public string Name => "RefuseAll";

        public Status Filter(CycleState state, NodeInfo node) => Reasons.FewFreeGpus;
    }

    private sealed class Slow : IFilterPlugin
    {
        public string Name => "Slow";

        public Status Filter(CycleState state, NodeInfo node)
        {
            Thread.Sleep(1);
            return Status.Success;
        }
    }
}
