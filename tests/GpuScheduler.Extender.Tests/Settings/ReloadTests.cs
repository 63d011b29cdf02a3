using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Kubernetes.Recordings;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace GpuScheduler.Extender.Tests.Settings;

/// <summary>The file with the settings changes while the service runs.</summary>
public sealed class ReloadTests : IDisposable
{
    private const string Before = """{"Engine":{"Weights":{"Topology":0.3,"Stranding":0.7} },"BindTimeout":"00:00:04"}""";

    private readonly ConfigFile _file = new(Before);

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_good_file_takes_effect_at_once_and_plugins_keep_what_they_have_learned()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path);
        var engine = service.Services.GetRequiredService<SchedulingEngine>();
        var observer = engine.Options.Profile.Observer;
        _file.Write("""
            {"Engine":{"Weights":{"Topology":5,"Stranding":1},"AnswerOneNode":true},"BindTimeout":"00:00:06","HttpTimeout":"00:00:40",
             "Holds":{"TentativeHold":"00:00:11"},"Gangs":{"BarrierTimeout":"00:00:07","PlanHold":"00:00:50","KeepForNext":false,"WakesPerSecond":7},
             "Dialects":{"NodeWait":"00:00:03"},"Profiles":{"try":{"Policy":"fgd"} },"Canary":{"Profile":"try","Share":0.25} }
            """);
        Assert.True(Reload(service));

        Assert.Equal([5, 1, 1, new ScoreWeights().Locality], engine.Options.Profile.Scores.Select(s => s.Weight));
        Assert.Same(observer, engine.Options.Profile.Observer);
        Assert.True(engine.Options.AnswerOneNode);
        Assert.Equal((TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(50), false), (engine.Options.Gangs!.BarrierTimeout, engine.Options.Gangs.PlanHold, engine.Options.Gangs.KeepForNext));
        Assert.NotNull(engine.Options.Gangs.Observer);
        Assert.Equal(TimeSpan.FromSeconds(11), engine.Cluster.Holds.TentativeHold);
        Assert.Equal(("try", 0.25), (engine.Options.Canary!.Name, engine.Options.Canary.Namespaces.Share));
        var options = service.Services.GetRequiredService<SettingsInUse>().Options;
        Assert.Equal((TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(3), 7), (options.BindTimeout, options.Dialects.NodeWait, options.Gangs.WakesPerSecond));

        // And back: what is not in the file any more is as it was before.
        _file.Write("{}");
        Assert.True(Reload(service));
        Assert.Null(engine.Options.Canary);
        Assert.Equal([0.3, 0.7, 1, new ScoreWeights().Locality], engine.Options.Profile.Scores.Select(s => s.Weight));
        Assert.Equal(new LedgerOptions(), engine.Cluster.Holds);
    }

    [Theory]
    [InlineData("", "line 1 is not JSON")]
    [InlineData("{\"Engine\":", "line 1 is not JSON")]
    [InlineData("[]", "--config is")]
    [InlineData("""{"Engine":{"Weigths":{} } }""", "Engine:Weigths is not a setting; docs/options.md lists those that are")]
    [InlineData("""{"Engine":{"Weights":{"Topology":-1} } }""", "Engine:Weights:Topology is -1: a number of 0 or more is allowed")]
    [InlineData("""{"Engine":{"AnswerOneNode":true},"BindTimeout":"soon"}""", "BindTimeout")]
    [InlineData("""{"Engine":{"AnswerOneNode":true},"BindTimeout":"00:01:00"}""", "HttpTimeout is 00:00:30")]
    [InlineData("""{"Engine":{"AnswerOneNode":true},"Canary":{"Profile":"try","Share":0.1} }""", "Canary:Profile is \"try\": there is none under Profiles")]
    [InlineData("""{"Engine":{"AnswerOneNode":true},"HealthUrls":"nonsense"}""", "HealthUrls has \"nonsense\"")]
    [InlineData("""{"Logging":{"LogLevel":{"GpuScheduler":"Loud"} } }""", "Logging:LogLevel:GpuScheduler is \"Loud\"")]
    public async Task A_bad_file_is_refused_as_a_whole_with_its_reasons_and_the_settings_before_stay(string contents, string expected)
    {
        await using var service = await RunningService.StartWithAsync(_file.Path);
        var engine = service.Services.GetRequiredService<SchedulingEngine>();
        var before = engine.Options;
        _file.Write(contents);

        Assert.False(Reload(service));
        Assert.Same(before, engine.Options);
        var refused = (await ConfigAsync(service)).GetProperty("refused");
        Assert.Contains(refused.GetProperty("reasons").EnumerateArray(), r => r.GetString()!.Contains(expected, StringComparison.Ordinal));

        // The next good one is taken.
        _file.Write("""{"Engine":{"AnswerOneNode":true} }""");
        Assert.True(Reload(service));
        Assert.True(engine.Options.AnswerOneNode);
        Assert.Equal(JsonValueKind.Null, (await ConfigAsync(service)).GetProperty("refused").ValueKind);
    }

    [Fact]
    public async Task A_file_that_is_gone_is_refused()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path);
        File.Delete(_file.Path);
        Assert.False(Reload(service));
        Assert.Contains("there is no such file", service.Services.GetRequiredService<SettingsReloader>().State.Refused!.Reasons[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_takes_effect_at_the_next_start_is_named_and_the_rest_is_taken()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path);
        _file.Write("""{"Engine":{"AnswerOneNode":true},"Decisions":{"History":777},"Otlp":{"Headers":"authorization=secret"},"Gangs":{"Preempt":false} }""");
        Assert.True(Reload(service));

        Assert.True(service.Services.GetRequiredService<SchedulingEngine>().Options.AnswerOneNode);
        var text = (await service.GetAsync("/v1/config")).ToString();
        var config = await ConfigAsync(service);
        Assert.Equal(2, config.GetProperty("generation").GetInt32());
        Assert.Equal(
            [("Decisions:History", "777"), ("Gangs:Preempt", "false"), ("Otlp:Headers", "***")],
            config.GetProperty("waitingForStart").EnumerateArray().Select(w => (w.GetProperty("name").GetString()!, w.GetProperty("then").GetString()!)));
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);

        _file.Write("""{"Engine":{"AnswerOneNode":true} }""");
        Assert.True(Reload(service));
        Assert.Empty((await ConfigAsync(service)).GetProperty("waitingForStart").EnumerateArray());
    }

    [Fact]
    public async Task What_takes_effect_at_once_has_to_go_with_what_waits()
    {
        // Without gangs this is time enough. They are planned until the next start, though.
        await using var service = await RunningService.StartWithAsync(_file.Path);
        _file.Write("""{"Gangs":{"Enabled":false},"HttpTimeout":"00:00:12"}""");
        Assert.False(Reload(service));
        var reason = Assert.Single(service.Services.GetRequiredService<SettingsReloader>().State.Refused!.Reasons);
        Assert.StartsWith("HttpTimeout is 00:00:12: BindTimeout, Gangs:BarrierTimeout", reason, StringComparison.Ordinal);
        Assert.EndsWith("(together with settings that stay as they are until the next start)", reason, StringComparison.Ordinal);

        _file.Write("""{"Gangs":{"Enabled":false} }""");
        Assert.True(Reload(service));
        Assert.NotNull(service.Services.GetRequiredService<SchedulingEngine>().Options.Gangs);
    }

    [Fact]
    public async Task Every_setting_is_shown_with_its_default_and_when_it_takes_effect()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path, ("Otlp:Headers", "authorization=secret"), ("BindTimeout", "00:00:05"));
        var settings = (await ConfigAsync(service)).GetProperty("settings").EnumerateArray().ToDictionary(
            s => s.GetProperty("name").GetString()!,
            s => (Value: s.GetProperty("value").GetString(), Default: s.GetProperty("default").GetString(), IsDefault: s.GetProperty("isDefault").GetBoolean(), When: s.GetProperty("takesEffect").GetString()));
        Assert.Equal(("00:00:05", "00:00:04", false, "at once"), settings["BindTimeout"]);
        Assert.Equal(("0.3", "0.3", true, "at once"), settings["Engine:Weights:Topology"]);
        Assert.Equal(("***", "", false, "at start"), settings["Otlp:Headers"]);
        Assert.Equal(("true", "true", true, "at start"), settings["Gangs:Enabled"]);
        Assert.True(settings.Count > 80, $"{settings.Count} settings");
    }

    [Fact]
    public async Task Levels_of_the_log_follow_the_file()
    {
        _file.Write("""{"Logging":{"LogLevel":{"GpuScheduler.Extender":"Error"} } }""");
        await using var service = await RunningService.StartWithAsync(_file.Path);
        var log = service.Services.GetRequiredService<ILoggerFactory>().CreateLogger("GpuScheduler.Extender.Something");
        Assert.False(log.IsEnabled(LogLevel.Debug));
        _file.Write("""{"Logging":{"LogLevel":{"GpuScheduler.Extender":"Debug"} } }""");
        Assert.True(Reload(service));
        Assert.True(log.IsEnabled(LogLevel.Debug));
        _file.Write("{}");
        Assert.True(Reload(service));
        Assert.False(log.IsEnabled(LogLevel.Error));
    }

    [Fact]
    public async Task A_file_is_taken_when_it_was_seen_twice_the_same()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path);
        var reloader = service.Services.GetRequiredService<SettingsReloader>();
        var watcher = new SettingsWatcher(reloader, TimeProvider.System);
        watcher.Look();
        _file.Write("""{"Engine":{"AnswerOneNode":""");
        watcher.Look();
        _file.Write("""{"Engine":{"AnswerOneNode":true} }""");
        watcher.Look();
        Assert.Equal(1, reloader.State.Generation);
        watcher.Look();
        Assert.Equal(2, reloader.State.Generation);
        Assert.Null(reloader.State.Refused);
        watcher.Look();
        Assert.Equal(2, reloader.State.Generation);
    }

    [Fact]
    public async Task The_file_is_watched_and_no_request_fails_while_it_changes()
    {
        await using var service = await RunningService.StartWithAsync(_file.Path, ("Holds:TentativeHold", "00:00:01"));
        using var stop = new CancellationTokenSource();
        var (asked, passed) = (0, new HashSet<int>());
        var requests = Task.Run(
            async () =>
            {
                while (!stop.IsCancellationRequested)
                {
                    var pod = Requests.Pod($"reload-{asked++}", 1);
                    var answer = await service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes));
                    Assert.Equal(System.Net.HttpStatusCode.OK, answer.Status);
                    passed.Add(AnswerShape.Filter(answer.Json).Count);
                    await service.PostAsync("prioritize", Requests.Args(pod, Repository.ExampleNodes));
                }
            },
            TestContext.Current.CancellationToken);
        var engine = service.Services.GetRequiredService<SchedulingEngine>();
        _file.Write("""{"Engine":{"AnswerOneNode":true} }""");
        for (var tries = 0; tries < 600 && !engine.Options.AnswerOneNode; tries++)
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.True(engine.Options.AnswerOneNode, "the change was not seen");
        var reloader = service.Services.GetRequiredService<SettingsReloader>();
        for (var i = 0; i < 40; i++)
        {
            _file.Write($$$"""{"Engine":{"AnswerOneNode":{{{(i % 2 == 0 ? "false" : "true")}}},"Weights":{"Topology":{{{(i + 1).ToString(CultureInfo.InvariantCulture)}}}} },"Profiles":{"try":{"Policy":"bestfit"} },"Canary":{"Profile":"try","Share":{{{(i % 3 == 0 ? "1" : "0.2")}}}} }""");
            Assert.True(reloader.Reload());
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        await requests;
        Assert.Contains(1, passed);
        Assert.Contains(passed, p => p > 1);
    }

    [Fact]
    public async Task A_recording_across_changes_of_settings_is_replayed_to_the_same_decisions()
    {
        var recording = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"recording-{Guid.NewGuid():N}.jsonl");
        try
        {
            await using (var service = await RunningService.StartWithAsync(_file.Path, ("Recording:Path", recording)))
            {
                for (var i = 0; i < 48; i++)
                {
                    if (i % 8 == 4)
                    {
                        string[] policies = ["mostallocated", "fgd", "default", "bestfit"];
                        _file.Write(i % 16 == 4
                            ? $$$"""{"Engine":{"AnswerOneNode":true,"Weights":{"Topology":0} },"Holds":{"TentativeHold":"00:00:20"} }"""
                            : $$$"""{"Profiles":{"try":{"Policy":"{{{policies[i / 16 % 4]}}}","Weights":{"Stranding":0} } },"Canary":{"Profile":"try","Share":0.5} }""");
                        Assert.True(Reload(service));
                    }

                    await ScheduleAsync(service, $"p{i}", $"team-{i % 5}", 1 + (i % 3));
                }
            }

            var result = Replayer.Replay(recording);
            Assert.Empty(result.Differences);
            Assert.True(result.Decisions > 80, $"{result.Decisions} decisions");

            // The changes are what makes it so: without them other decisions are made.
            var lines = await File.ReadAllLinesAsync(recording, TestContext.Current.CancellationToken);
            await File.WriteAllLinesAsync(recording, lines.Where(l => !l.Contains("\"kind\":\"Settings\"", StringComparison.Ordinal)), TestContext.Current.CancellationToken);
            Assert.NotEmpty(Replayer.Replay(recording).Differences);
        }
        finally
        {
            File.Delete(recording);
        }
    }

    private static async Task ScheduleAsync(RunningService service, string uid, string podNamespace, int gpus)
    {
        var pod = Requests.Pod(uid, gpus).Replace("\"namespace\":\"team\"", $"\"namespace\":\"{podNamespace}\"", StringComparison.Ordinal);
        var passed = AnswerShape.Filter((await service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes))).Json);
        if (passed.Count == 0)
        {
            return;
        }

        var node = passed[0];
        if (passed.Count > 1)
        {
            node = AnswerShape.Prioritize((await service.PostAsync("prioritize", Requests.Args(pod, passed))).Json).MaxBy(s => s.Score).Host;
        }

        await service.PostAsync("bind", Requests.Binding(uid, node).Replace("\"PodNamespace\":\"team\"", $"\"PodNamespace\":\"{podNamespace}\"", StringComparison.Ordinal));
    }

    private static bool Reload(RunningService service) => service.Services.GetRequiredService<SettingsReloader>().Reload();

    private static async Task<JsonElement> ConfigAsync(RunningService service) => (await service.GetAsync("/v1/config")).Json;
}
