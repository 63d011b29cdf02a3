using System.Collections.Concurrent;
using System.Text.Json;
using GpuScheduler.Testing.ControlPlane;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Replicas of the extender, each a process of its own with the rights that the manifests give it, behind a <see cref="PlayedService"/>.</summary>
internal sealed class Replicas : IAsyncDisposable
{
    private readonly ClusterUnderTest _cluster;
    private readonly TemporaryFile _configuration;
    private readonly ConcurrentDictionary<Uri, ServiceProcess> _running = new();

    public Replicas(ClusterUnderTest cluster)
    {
        _cluster = cluster;
        _configuration = new TemporaryFile(JsonSerializer.Serialize(new Dictionary<string, object>
        {
            ["LeaderElection"] = new Dictionary<string, object> { ["Enabled"] = true, ["Namespace"] = "gpu-scheduler" },
            ["Logging"] = new { LogLevel = new Dictionary<string, string> { ["Default"] = "Warning", ["GpuScheduler.Extender.Hosting.LeaderService"] = "Information" } },
        }));
        Service = new PlayedService(cluster.Port);
    }

    public PlayedService Service { get; }

    /// <summary>The last lines that the replicas logged.</summary>
    public ConcurrentQueue<string> Log { get; } = new();

    public IEnumerable<Uri> Urls => _running.Keys;

    /// <summary>Starts one, and returns when it could take over.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <param name="pod">The pod that it is told to be, as the Deployment of the manifests tells it; null for none.</param>
    public async Task<Uri> StartAsync(CancellationToken cancellation, string? pod = null)
    {
        var process = await ServiceProcess.StartAsync(
            typeof(GpuScheduler.Extender.ExtenderOptions).Assembly.Location,
            ["--config", _configuration.Path, "--kubeconfig", _cluster.Plane.WriteKubeconfig(_cluster.Plane.TokenFor(ClusterUnderTest.ServiceAccount))],
            cancellation,
            ready: "/syncz",
            output: Keep,
            environment: pod is null ? null : new Dictionary<string, string> { ["GPU_SCHEDULER_LeaderElection__Pod"] = pod });
        _running[process.Url] = process;
        Service.Add(process.Url);
        return process.Url;
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync(Uri replica)
    {
        if (_running.TryRemove(replica, out var process))
        {
            await process.DisposeAsync();
            Service.Remove(replica);
        }
    }

    /// <summary>Stops it as it stands, until <see cref="Resume"/>.</summary>
    public void Pause(Uri replica) => _running[replica].Pause();

    public void Resume(Uri replica) => _running[replica].Resume();

    /// <summary>Tells it to end, as the kubelet does, and waits for that.</summary>
    public async Task StopAsync(Uri replica, CancellationToken cancellation)
    {
        if (_running.TryRemove(replica, out var process))
        {
            await process.StopAsync(cancellation);
            Service.Remove(replica);
            await process.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _running.Keys)
        {
            await KillAsync(replica);
        }

        await Service.DisposeAsync();
        _configuration.Dispose();
    }

    private void Keep(string line)
    {
        Log.Enqueue(line);
        while (Log.Count > 200 && Log.TryDequeue(out _))
        {
        }
    }
}
