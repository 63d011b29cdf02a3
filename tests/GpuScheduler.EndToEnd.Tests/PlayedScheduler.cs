using System.Net.Http.Json;
using System.Text.Json;
using k8s;
using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// A stream of binds that is denser than kube-scheduler's: several workers, each of which creates a pod, has it filtered and bound through the
/// Service until it is, keeps it for a while, and deletes it.
/// </summary>
internal sealed class PlayedScheduler(ClusterUnderTest cluster, int seed) : IDisposable
{
    /// <summary>Pods that a worker keeps before it deletes the oldest.</summary>
    private const int Kept = 12;

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90) })
    {
        BaseAddress = new Uri($"http://127.0.0.1:{cluster.Port}"),
        Timeout = TimeSpan.FromSeconds(5),
    };

    private int _bound;
    private int _refused;
    private int _lost;

    /// <summary>Binds that were answered with success.</summary>
    public int Bound => Volatile.Read(ref _bound);

    /// <summary>Binds that were answered with an error.</summary>
    public int Refused => Volatile.Read(ref _refused);

    /// <summary>Calls without an answer, or with one that nobody leads.</summary>
    public int Lost => Volatile.Read(ref _lost);

    public void Dispose() => _http.Dispose();

    public async Task RunAsync(int workers, CancellationToken stop)
    {
        var nodes = (await cluster.Client.CoreV1.ListNodeAsync(cancellationToken: stop)).Items.Select(n => n.Metadata.Name).ToArray();
        await Task.WhenAll(Enumerable.Range(0, workers).Select(w => WorkAsync(w, nodes, stop)));
    }

    private async Task WorkAsync(int worker, string[] nodes, CancellationToken stop)
    {
        var random = new Random(HashCode.Combine(seed, worker));
        var kept = new Queue<string>();
        var pods = Workload.Pods(1_000_000, "nobody", 1000 + worker).GetEnumerator();
        try
        {
            while (!stop.IsCancellationRequested && pods.MoveNext())
            {
                var pod = await cluster.Client.CoreV1.CreateNamespacedPodAsync(pods.Current, "default", cancellationToken: stop);
                for (var tries = 0; !await TryPlaceAsync(pod, nodes, random, stop) && tries < 200; tries++)
                {
                    await Task.Delay(random.Next(20, 200), stop);
                }

                kept.Enqueue(pod.Metadata.Name);
                if (kept.Count > Kept)
                {
                    await cluster.Client.CoreV1.DeleteNamespacedPodAsync(kept.Dequeue(), "default", new V1DeleteOptions { GracePeriodSeconds = 0 }, cancellationToken: stop);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // It was told to stop.
        }
    }

    private async Task<bool> TryPlaceAsync(V1Pod pod, string[] nodes, Random random, CancellationToken stop)
    {
        try
        {
            var filtered = await PostAsync("/filter", new { Pod = JsonSerializer.Deserialize<JsonElement>(KubernetesJson.Serialize(pod)), NodeNames = nodes }, stop);
            if (!filtered.TryGetProperty("NodeNames", out var passed) || passed.ValueKind != JsonValueKind.Array || passed.GetArrayLength() == 0)
            {
                return false;
            }

            var node = passed[random.Next(passed.GetArrayLength())].GetString();
            var answer = await PostAsync("/bind", new { PodName = pod.Metadata.Name, PodNamespace = "default", PodUID = pod.Metadata.Uid, Node = node }, stop);
            if (answer.GetProperty("Error").GetString() is { Length: > 0 })
            {
                Interlocked.Increment(ref _refused);
                return (await cluster.Client.CoreV1.ReadNamespacedPodAsync(pod.Metadata.Name, "default", cancellationToken: stop)).Spec.NodeName is { Length: > 0 };
            }

            Interlocked.Increment(ref _bound);
            return true;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or System.Net.Sockets.SocketException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            Interlocked.Increment(ref _lost);
            return (await cluster.Client.CoreV1.ReadNamespacedPodAsync(pod.Metadata.Name, "default", cancellationToken: stop)).Spec.NodeName is { Length: > 0 };
        }
    }

    private async Task<JsonElement> PostAsync(string verb, object body, CancellationToken stop)
    {
        using var answer = await _http.PostAsJsonAsync(verb, body, stop);
        answer.EnsureSuccessStatusCode();
        return await answer.Content.ReadFromJsonAsync<JsonElement>(stop);
    }
}
