using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Kubernetes.Groups;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Writes events, and the status of the PodGroups of scheduler-plugins and of Kubernetes.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class GangAnnouncer(KubernetesConnection connection, TimeProvider? time = null) : IGangAnnouncer
{
    private readonly EventWriter _events = new(connection, time ?? TimeProvider.System);
    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, string> _served = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task SayAsync(GangNotice notice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(notice);
        var resource = notice.Object is { } id ? GroupResources.All.First(r => r.Kind == id.Kind) : null;
        var regarding = new JsonObject
        {
            ["apiVersion"] = resource is null ? "v1" : $"{resource.ApiGroup}/{_served.GetValueOrDefault(resource.Kind, resource.Versions[0])}",
            ["kind"] = resource?.ObjectKind ?? "Pod",
            ["namespace"] = notice.Namespace,
            ["name"] = notice.Object?.Name ?? notice.PodName,
            ["uid"] = notice.Uid,
        };
        await _events.WriteAsync(notice.Namespace, regarding, "Scheduling", notice.Reason, notice.Note, notice.IsWarning, cancellationToken);
    }

    /// <inheritdoc/>
    public bool HasStatus(string kind) => kind is GroupKinds.CoschedulingPodGroup or GroupKinds.NativePodGroup;

    /// <inheritdoc/>
    public async Task SetStatusAsync(GroupObjectId id, GangState state, int bound, string reason, CancellationToken cancellationToken)
    {
        var resource = GroupResources.All.First(r => r.Kind == id.Kind);
        var rule = new RbacRule(resource.ApiGroup, resource.Plural + "/status", "get, patch");
        foreach (var version in _served.TryGetValue(id.Kind, out var served) ? [served] : resource.Versions)
        {
            var path = $"apis/{resource.ApiGroup}/{version}/namespaces/{Uri.EscapeDataString(id.Namespace)}/{resource.Plural}/{Uri.EscapeDataString(id.Name)}/status";
            try
            {
                var present = JsonNode.Parse(await connection.CallAsync(HttpMethod.Get, path, null, rule, cancellationToken));
                _served[id.Kind] = version;
                var change = id.Kind == GroupKinds.CoschedulingPodGroup
                    ? GroupStatus.Coscheduling(present?["status"], state, bound, _time.GetUtcNow())
                    : GroupStatus.Native(present?["status"], version, state, reason, (long?)present?["metadata"]?["generation"] ?? 0, _time.GetUtcNow());
                if (change is not null)
                {
                    // The version of what was read, so that what others write in between is not lost.
                    var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = (string?)present?["metadata"]?["resourceVersion"] }, ["status"] = change };
                    await connection.CallAsync(HttpMethod.Patch, path, Bytes(patch), rule, cancellationToken);
                }

                return;
            }
            catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
            {
                // The object is gone, or this version of its API is not served.
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
            {
                throw new KubernetesApiException($"the status of {id} cannot be read: {e.Message}", innerException: e);
            }
        }
    }

    private static byte[] Bytes(JsonObject body) => Encoding.UTF8.GetBytes(body.ToJsonString());
}
