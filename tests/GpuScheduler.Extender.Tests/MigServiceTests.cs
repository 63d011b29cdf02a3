using System.Net;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Kubernetes;
using GpuScheduler.Solver;
using GpuScheduler.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Xunit;

namespace GpuScheduler.Extender.Tests;

public sealed class MigServiceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-mig-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_change_is_written_said_and_ended_and_the_pod_is_woken()
    {
        var time = new ManualTimeProvider();
        var cluster = new ClusterState(time, new LedgerOptions()) { ClosesChangingNodes = true };
        using var solver = new MigSolver();
        var config = new MigConfig("all-1g.10gb", [new MigConfigPart([], null, true, [("1g.10gb", 7)])]);
        var controller = new MigController(cluster, new MigOptions { Configs = [config], MinWait = TimeSpan.Zero }, solver, _ => true);
        var api = new StandIn(cluster);
        using var metrics = new ExtenderMetrics(cluster, nameof(MigServiceTests));
        using var service = new MigService(controller, api, new Readiness(), metrics, time, NullLogger<MigService>.Instance, api, api);
        api.Show();
        cluster.UpsertPod(new PodBuilder("p").Mig("1g.10gb").Build());

        // The API server is down at first: it is tried again. Events are not allowed: they are not.
        api.IsDown = true;
        await service.RunOnceAsync(Cancellation);
        Assert.Equal("all-7g.80gb", api.Labels[MigLabels.Config]);
        Assert.Equal(1, api.EventsRefused);
        api.IsDown = false;
        await service.RunOnceAsync(Cancellation);
        Assert.Equal("all-1g.10gb", api.Labels[MigLabels.Config]);

        api.Profile = "1g.10gb";
        api.Show();
        await service.RunOnceAsync(Cancellation);
        await service.RunOnceAsync(Cancellation);
        Assert.Equal(1, api.EventsRefused);
        Assert.False(api.Labels.ContainsKey(MigLabels.To));
        Assert.Equal(["p"], api.Woken);
    }

    [Fact]
    public async Task What_is_going_on_is_shown_and_nothing_when_it_is_switched_off()
    {
        await using var service = await RunningService.StartAsync();
        using var json = JsonDocument.Parse(await service.Http.GetStringAsync(new Uri("/v1/mig", UriKind.Relative), Cancellation));

        Assert.False(json.RootElement.GetProperty("enabled").GetBoolean());
        Assert.Empty(json.RootElement.GetProperty("changes").EnumerateArray());
    }

    [Theory]
    [InlineData("Mig:ConfigFile", null, "Mig:ConfigFile is not set: Mig:Enabled needs the configuration file of mig-parted")]
    [InlineData("Mig:ConfigFile", "/no/such/file", "Mig:ConfigFile is \"/no/such/file\": there is no such file")]
    [InlineData("Mig:Configs", "", "Mig:Configs is empty: name the configurations")]
    [InlineData("Mig:Configs", "a123456789012345678901234567890123456789012345678901234567890123", "a label takes at most 63 characters")]
    [InlineData("Mig:Schedulers", " ; ", "Mig:Schedulers is empty")]
    [InlineData("Mig:MostAtOnce", "0", "Mig:MostAtOnce is 0: 1 to 1000 is allowed")]
    [InlineData("Mig:MinWait", "-00:00:01", "Mig:MinWait is -00:00:01")]
    [InlineData("Mig:Timeout", "00:00:01", "Mig:Timeout is 00:00:01: 00:00:10 to 1.00:00:00 is allowed")]
    [InlineData("Mig:Backoff", "00:00:00", "Mig:Backoff is 00:00:00")]
    [InlineData("Mig:Cooldown", "8.00:00:00", "Mig:Cooldown is 8.00:00:00")]
    [InlineData("Mig:SolveLimit", "00:02:00", "Mig:SolveLimit is 00:02:00")]
    [InlineData("Cluster", "example", "layouts can only be changed in a live cluster")]
    public void A_wrong_setting_is_named(string option, string? value, string expected)
    {
        var settings = Settings();
        settings[option] = value == "example" ? Repository.ExampleCluster : value;
        if (option == "Cluster")
        {
            settings.Remove("Kubeconfig");
        }

        var failures = Assert.Throws<OptionsValidationException>(() => ExtenderHost.Build(null, settings)).Failures;
        Assert.Contains(failures, f => f.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_configuration_that_the_file_lacks_ends_the_start_with_those_that_it_has()
    {
        var settings = Settings();
        settings["Mig:Configs"] = "all-1g.10gb;all-2g.99gb";
        var message = Assert.Single(Assert.Throws<OptionsValidationException>(() => ExtenderHost.Build(null, settings)).Failures);

        Assert.Contains("has no configuration all-2g.99gb; it has all-1g.10gb, all-2g.20gb, all-3g.40gb, all-7g.80gb, all-balanced", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_settings_of_the_manifests_are_good()
    {
        var settings = Settings();
        settings.Remove("Mig:Configs");
        settings.Remove("Mig:Enabled");
        using var app = (IDisposable)ExtenderHost.Build(Path.Combine(Repository.Root, "manifests", "mig-dynamic", "config.json"), settings);
    }

    private Dictionary<string, string?> Settings()
    {
        var kubeconfig = Path.Combine(_folder, "kubeconfig");
        File.WriteAllText(kubeconfig, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\ncurrent-context: c\nusers: [{name: u, user: {token: t}}]\n");
        return new(StringComparer.OrdinalIgnoreCase)
        {
            ["Urls"] = "http://127.0.0.1:0",
            ["Kubeconfig"] = kubeconfig,
            ["Mig:Enabled"] = "true",
            ["Mig:ConfigFile"] = Path.Combine(Repository.Root, "manifests", "mig-dynamic", "mig-parted.yaml"),
            ["Mig:Configs"] = "all-1g.10gb",
        };
    }

    /// <summary>One node on an API server that does not allow events.</summary>
    private sealed class StandIn(ClusterState cluster) : INodeMigWriter, INodeAnnouncer, IPodWaker
    {
        public Dictionary<string, string> Labels { get; } = new() { [MigLabels.Config] = "all-7g.80gb", [MigLabels.State] = MigLabels.Success, [MigLabels.Dynamic] = "true" };

        public string Profile { get; set; } = "7g.80gb";

        public bool IsDown { get; set; }

        public int EventsRefused { get; private set; }

        public List<string> Woken { get; } = [];

        public void Show()
        {
            var node = new NodeBuilder("n1").Product("NVIDIA-A100-SXM4-80GB").Count(1).Mig(Profile, Profile == "7g.80gb" ? 1 : 7);
            foreach (var (label, value) in Labels)
            {
                node.Label(label, value);
            }

            cluster.UpsertNode(node.Build());
        }

        public Task<MigWriteOutcome> WriteAsync(MigWrite write, CancellationToken cancellationToken)
        {
            if (IsDown)
            {
                throw new KubernetesApiException("no answer");
            }

            foreach (var (label, value) in write.Labels)
            {
                if (value is null)
                {
                    Labels.Remove(label);
                }
                else
                {
                    Labels[label] = value;
                }
            }

            Show();
            return Task.FromResult(MigWriteOutcome.Written);
        }

        public Task SayAsync(MigNotice notice, CancellationToken cancellationToken)
        {
            EventsRefused++;
            throw new KubernetesApiException("not allowed", HttpStatusCode.Forbidden);
        }

        public Task WakeAsync(PodInfo pod, CancellationToken cancellationToken)
        {
            Woken.Add(pod.Uid);
            return Task.CompletedTask;
        }
    }
}
