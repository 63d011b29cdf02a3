using k8s;
using k8s.Autorest;
using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>
/// What NVIDIA's mig-manager, the device plugin and the kubelet do to a Node: when nvidia.com/mig.config changes, the state becomes
/// pending, the devices disappear, the new ones appear, and the state becomes success.
/// </summary>
internal sealed class StandInMigManager(IKubernetes client, IReadOnlyDictionary<string, (string Profile, int Count)> configs, int gpus)
{
    private readonly Dictionary<string, string> _applied = [];

    /// <summary>Configurations that it fails to apply.</summary>
    public HashSet<string> Broken { get; } = [];

    /// <summary>What it did, in order.</summary>
    public List<string> Done { get; } = [];

    /// <summary>Runs until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            foreach (var node in (await client.CoreV1.ListNodeAsync(cancellationToken: cancellation)).Items)
            {
                if (node.Metadata.Labels.TryGetValue("nvidia.com/mig.config", out var config) && _applied.TryAdd(node.Metadata.Name, config) == false && _applied[node.Metadata.Name] != config)
                {
                    _applied[node.Metadata.Name] = config;
                    await ApplyAsync(node.Metadata.Name, config, cancellation);
                }
            }

            await Task.Delay(100, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ApplyAsync(string node, string config, CancellationToken cancellation)
    {
        await LabelAsync(node, "pending", cancellation);
        var users = (await client.CoreV1.ListPodForAllNamespacesAsync(fieldSelector: $"spec.nodeName={node}", cancellationToken: cancellation)).Items.Count;
        if (users > 0 || Broken.Contains(config))
        {
            Done.Add($"{node}: {config} failed{(users > 0 ? " since pods are on it" : "")}");
            await LabelAsync(node, "failed", cancellation);
            return;
        }

        var (profile, count) = configs[config];
        await OfferAsync(node, profile, 0, cancellation);
        await Task.Delay(500, cancellation);
        await LabelAsync(node, "success", cancellation);

        // The device plugin comes back a little later than the label.
        await Task.Delay(500, cancellation);
        await OfferAsync(node, profile, count * gpus, cancellation);
        Done.Add($"{node}: {config}");
    }

    private async Task LabelAsync(string node, string state, CancellationToken cancellation) =>
        await client.CoreV1.PatchNodeAsync(new V1Patch($"{{\"metadata\":{{\"labels\":{{\"nvidia.com/mig.config.state\":\"{state}\"}}}}}}", V1Patch.PatchType.MergePatch), node, cancellationToken: cancellation);

    private async Task OfferAsync(string name, string profile, int count, CancellationToken cancellation)
    {
        while (true)
        {
            var node = await client.CoreV1.ReadNodeAsync(name, cancellationToken: cancellation);
            Workload.Cut(node.Status.Capacity, profile, count);
            Workload.Cut(node.Status.Allocatable, profile, count);
            try
            {
                await client.CoreV1.ReplaceNodeStatusAsync(node, name, cancellationToken: cancellation);
                return;
            }
            catch (HttpOperationException e) when (e.Response.StatusCode == System.Net.HttpStatusCode.Conflict)
            {
                // It was changed since it was read.
            }
        }
    }
}
