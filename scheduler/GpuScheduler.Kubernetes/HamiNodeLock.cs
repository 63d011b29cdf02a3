using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// HAMi's lock: the annotation hami.io/mutex.lock of the node, "TIME,NAMESPACE,POD" with a time of RFC 3339. It is written on condition of the
/// node's version, so that one of two gets it; it is over after five minutes, or when its pod is gone. Source: Project-HAMi/HAMi
/// pkg/util/nodelock/nodelock.go; that the plugin looks there first: pkg/util/util.go (GetPendingPod).
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="logger">Gets what could not be released.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class HamiNodeLock(KubernetesConnection connection, ILogger<HamiNodeLock> logger, TimeProvider? time = null) : INodeLock
{
    /// <summary>Name of the annotation.</summary>
    public const string Annotation = "hami.io/mutex.lock";

    private static readonly RbacRule s_getRule = new("", "nodes", "get");
    private static readonly RbacRule s_patchRule = new("", "nodes", "patch");
    private static readonly RbacRule s_getPodRule = new("", "pods", "get");
    private static readonly TimeSpan s_expires = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public async Task<string?> TakeAsync(string node, string podNamespace, string podName, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        var holder = "";
        try
        {
            while (true)
            {
                var (value, version) = await GetAsync(node, cancellationToken);
                if (value is not null && IsOf(value, podNamespace, podName))
                {
                    return null;
                }

                holder = value ?? holder;
                if (value is null || await IsOverAsync(value, cancellationToken))
                {
                    var mine = string.Create(CultureInfo.InvariantCulture, $"{_time.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ},{podNamespace},{podName}");
                    if (await PatchAsync(node, mine, version, cancellationToken))
                    {
                        return null;
                    }
                }
                else
                {
                    await Task.Delay(s_pause, _time, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return $"HAMi's lock of node {node} was not free in time{(holder.Length > 0 ? $": its device plugin is still busy with \"{holder}\"" : "")}";
        }
        catch (Exception e) when (e is KubernetesApiException or JsonException)
        {
            return $"HAMi's lock of node {node} could not be taken: {e.Message}";
        }
    }

    /// <inheritdoc/>
    public async Task ReleaseAsync(string node, string podNamespace, string podName, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(node);
        try
        {
            while (true)
            {
                var (value, version) = await GetAsync(node, cancellationToken);
                if (value is null || !IsOf(value, podNamespace, podName) || await PatchAsync(node, null, version, cancellationToken))
                {
                    return;
                }
            }
        }
        catch (Exception e) when (e is KubernetesApiException or JsonException or OperationCanceledException)
        {
            Log.LockNotReleased(logger, node, podNamespace, podName, s_expires, e.Message);
        }
    }

    private static bool IsOf(string value, string podNamespace, string podName) => value.EndsWith($",{podNamespace},{podName}", StringComparison.Ordinal);

    /// <summary>True when the lock has expired, names no time that can be read, or its pod is gone.</summary>
    private async Task<bool> IsOverAsync(string value, CancellationToken cancellationToken)
    {
        var parts = value.Split(',');
        if (!DateTimeOffset.TryParse(parts[0], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var since) || _time.GetUtcNow() - since > s_expires)
        {
            return true;
        }

        if (parts.Length != 3)
        {
            return false; // by an older HAMi, which does not say for whom
        }

        try
        {
            await connection.CallAsync(HttpMethod.Get, PodPath.Of(parts[1], parts[2]), null, s_getPodRule, cancellationToken);
            return false;
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return true;
        }
    }

    private async Task<(string? Value, string Version)> GetAsync(string node, CancellationToken cancellationToken)
    {
        using var json = JsonDocument.Parse(await connection.CallAsync(HttpMethod.Get, Path(node), null, s_getRule, cancellationToken));
        if (!json.RootElement.TryGetProperty("metadata", out var metadata) || !metadata.TryGetProperty("resourceVersion", out var version))
        {
            throw new JsonException($"the API server's answer for node {node} has no metadata.resourceVersion");
        }

        return (metadata.TryGetProperty("annotations", out var annotations) && annotations.TryGetProperty(Annotation, out var value) ? value.GetString() : null, version.GetString()!);
    }

    /// <summary>Sets or removes the annotation; false when the node has changed meanwhile.</summary>
    private async Task<bool> PatchAsync(string node, string? value, string version, CancellationToken cancellationToken)
    {
        var body = new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = version, ["annotations"] = new JsonObject { [Annotation] = value } },
        };
        try
        {
            await connection.CallAsync(HttpMethod.Patch, Path(node), Encoding.UTF8.GetBytes(body.ToJsonString()), s_patchRule, cancellationToken);
            return true;
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.Conflict)
        {
            return false;
        }
    }

    private static string Path(string node) => $"api/v1/nodes/{Uri.EscapeDataString(node)}";
}
