using System.Globalization;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>A running kube-scheduler, started by <see cref="TestControlPlane.StartSchedulerAsync"/>.</summary>
public sealed class KubeSchedulerProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly HttpClient _http;
    private readonly Uri _address;

    private KubeSchedulerProcess(ChildProcess process, HttpClient http, Uri address, string configurationPath)
    {
        _process = process;
        _http = http;
        _address = address;
        ConfigurationPath = configurationPath;
    }

    /// <summary>Path of the KubeSchedulerConfiguration it was started with.</summary>
    public string ConfigurationPath { get; }

    /// <summary>Path of the log.</summary>
    public string LogPath => _process.LogPath;

    /// <summary>Whether the process has ended; 1.20 panics on some extenders' answers.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The whole log so far.</summary>
    public string ReadLog() => _process.ReadLog();

    /// <summary>The last lines of the log, for a failing test's message.</summary>
    /// <param name="lines">How many.</param>
    public string LogTail(int lines = 40) => _process.LogTail(lines);

    /// <summary>
    /// Reads the scheduler's metrics: values by series as the text format writes them, for instance
    /// <c>scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"}</c>.
    /// </summary>
    public async Task<IReadOnlyDictionary<string, double>> ReadMetricsAsync(CancellationToken cancellationToken = default)
    {
        var text = await _http.GetStringAsync(new Uri(_address, "/metrics"), cancellationToken);
        var values = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var end = line.LastIndexOf(' ');
            if (line[0] != '#' && end > 0
                && double.TryParse(line.AsSpan(end + 1), NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            {
                values[line[..end]] = value;
            }
        }

        return values;
    }

    /// <summary>Stops the scheduler as it stands (SIGSTOP).</summary>
    public void Pause() => _process.Pause();

    /// <summary>Lets a paused scheduler go on.</summary>
    public void Resume() => _process.Resume();

    /// <summary>Kills the scheduler and waits until it is gone; its log stays readable as long as the control plane lives.</summary>
    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>Starts a scheduler and waits until it is healthy.</summary>
    internal static async Task<KubeSchedulerProcess> StartAsync(
        ControlPlaneBinaries binaries,
        KubeSchedulerSetup setup,
        ServingCertificate certificate,
        HttpClient http,
        string kubeconfigPath,
        string filePrefix,
        TimeSpan timeout,
        CancellationToken cancellationToken)
    {
        var binary = setup.Binary switch
        {
            KubeSchedulerBinary.Stock => binaries.KubeScheduler,
            KubeSchedulerBinary.Preempting => binaries.PreemptingScheduler ?? throw new ControlPlaneException(
                $"kube-scheduler {binaries.SchedulerVersion} in {binaries.Folder} never asks extenders about preemption, " +
                "and there is no kube-scheduler-preemptfix beside it (tests/control-plane/build.sh makes one)."),
            _ => throw new ArgumentOutOfRangeException(nameof(setup), setup.Binary, "No such binary."),
        };
        var ports = LoopbackPorts.Pick(2);
        var healthzAddress = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{ports[1]}");
        var configurationPath = filePrefix + ".yaml";
        await File.WriteAllTextAsync(
            configurationPath,
            setup.ConfigurationYaml is { } yaml
                ? yaml.Replace("{{kubeconfig}}", kubeconfigPath, StringComparison.Ordinal)
                    .Replace("{{healthzAddress}}", healthzAddress, StringComparison.Ordinal)
                : KubeSchedulerConfiguration.Write(setup, binaries.SchedulerVersion, kubeconfigPath, healthzAddress),
            cancellationToken);

        var process = await ChildProcess.StartAsync(
            "kube-scheduler",
            binary,
            [
                $"--config={configurationPath}",
                "--bind-address=127.0.0.1",
                string.Create(CultureInfo.InvariantCulture, $"--secure-port={ports[0]}"),
                $"--tls-cert-file={certificate.CertificatePath}",
                $"--tls-private-key-file={certificate.KeyPath}",
                // Otherwise the metrics need a token review, and that the right to make one.
                "--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics",
                string.Create(CultureInfo.InvariantCulture, $"--v={setup.Verbosity}"),
                .. setup.ExtraArguments,
            ],
            filePrefix + ".log");
        var scheduler = new KubeSchedulerProcess(
            process,
            http,
            new Uri(string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{ports[0]}")),
            configurationPath);
        try
        {
            await process.WaitUntilReadyAsync(scheduler.IsHealthyAsync, timeout, cancellationToken);
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }

        return scheduler;
    }

    private async Task<bool> IsHealthyAsync(CancellationToken cancellationToken)
    {
        using var answer = await _http.GetAsync(new Uri(_address, "/healthz"), cancellationToken);
        return answer.IsSuccessStatusCode;
    }
}
