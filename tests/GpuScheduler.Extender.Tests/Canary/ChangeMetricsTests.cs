using System.Text;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Canary;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Tests.Settings;
using GpuScheduler.Testing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Canary;

/// <summary>The metrics of changes. Alone, as <see cref="MetricsTests"/> says why.</summary>
[Collection("alone")]
public sealed class ChangeMetricsTests
{
    [Fact]
    public async Task Settings_that_were_taken_wait_or_were_refused_and_a_canary_that_was_withdrawn_are_told_apart()
    {
        const string WithCanary = """{"Profiles":{"try":{"Policy":"fgd"} },"Canary":{"Profile":"try","Namespaces":"team","MinPods":5}""";
        using var file = new ConfigFile("{}");
        await using var service = await RunningService.StartWithAsync(file.Path);
        var reloader = service.Services.GetRequiredService<SettingsReloader>();
        Assert.Matches("gpu_scheduler_config_last_reload_successful(\\{[^}]*\\})? 1\n", await ReadAsync(service));

        file.Write("nonsense");
        Assert.False(reloader.Reload());
        Assert.Matches("gpu_scheduler_config_last_reload_successful(\\{[^}]*\\})? 0\n", await ReadAsync(service));

        file.Write(WithCanary + ",\"Decisions\":{\"History\":777} }");
        Assert.True(reloader.Reload());
        await service.PostAsync("filter", Requests.Args(Requests.Pod("labels", 1), Repository.ExampleNodes));
        var text = await ReadAsync(service);
        Assert.Matches("gpu_scheduler_config_last_reload_successful(\\{[^}]*\\})? 1\n", text);
        Assert.Matches("gpu_scheduler_config_waiting(\\{[^}]*\\})? 1\n", text);
        Assert.Matches("gpu_scheduler_config_reloads_total\\{[^}]*outcome=\"taken\"[^}]*\\} 1\n", text);
        Assert.Matches("gpu_scheduler_config_reloads_total\\{[^}]*outcome=\"refused\"[^}]*\\} 1\n", text);
        Assert.Matches("gpu_scheduler_canary_active\\{[^}]*profile=\"try\"[^}]*\\} 1\n", text);
        Assert.Matches("gpu_scheduler_profile_decide_duration_seconds_count\\{[^}]*profile=\"try\"[^}]*\\} 1\n", text);

        var control = service.Services.GetRequiredService<EngineControl>();
        for (var i = 0; i < 5; i++)
        {
            control.Filtered(new PodBuilder($"a{i}").Gpus(1).Build(), Profile.BaseName, refused: false, TimeSpan.Zero);
            control.Filtered(new PodBuilder($"b{i}").Gpus(1).Build(), "try", refused: true, TimeSpan.Zero);
        }

        text = await ReadAsync(service);
        Assert.Matches("gpu_scheduler_canary_active\\{[^}]*profile=\"try\"[^}]*\\} 0\n", text);
        Assert.Matches("gpu_scheduler_canary_withdrawals_total\\{[^}]*reason=\"refusals\"[^}]*\\} 1\n", text);
        Assert.Matches("gpu_scheduler_profile_pods_total\\{[^}]*outcome=\"ok\"[^}]*profile=\"base\"[^}]*\\} 5\n", text);
        Assert.Matches("gpu_scheduler_profile_decisions_total\\{[^}]*outcome=\"unschedulable\"[^}]*profile=\"try\"[^}]*\\} 5\n", text);
        Assert.Null(service.Services.GetRequiredService<SchedulingEngine>().Options.Canary);
    }

    private static async Task<string> ReadAsync(RunningService service)
    {
        await Task.Delay(400, TestContext.Current.CancellationToken); // the exporter keeps an answer for 300 ms
        return Encoding.UTF8.GetString((await service.GetAsync("/metrics")).Body);
    }
}
