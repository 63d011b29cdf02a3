using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Kubernetes.Groups;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Writes events.k8s.io/v1, and the status of the PodGroups of scheduler-plugins and of Kubernetes. The name of an event follows from
/// what it says and when, by tens of minutes: what was said already, by a process before this one too, is refused as existing.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class GangAnnouncer(KubernetesConnection connection, TimeProvider? time = null) : IGangAnnouncer
{
    private const string Controller = "gpuscheduler.io/extender";

    /// <summary>Longest note that the API takes, in bytes; <see cref="Shorten"/> counts in characters and stays below.</summary>
    private const int LongestNote = 1024;

    private static readonly TimeSpan s_same = TimeSpan.FromMinutes(10);
    private static readonly RbacRule s_eventRule = new("events.k8s.io", "events", "create");

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, string> _served = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task SayAsync(GangNotice notice, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(notice);
        var now = _time.GetUtcNow();
        var note = Shorten(notice.Note);
        var resource = notice.Object is { } id ? GroupResources.All.First(r => r.Kind == id.Kind) : null;
        var name = notice.Object?.Name ?? notice.PodName;
        var said = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{notice.Uid} {notice.Reason} {note} {now.Ticks / s_same.Ticks}")));
        var body = new JsonObject
        {
            ["apiVersion"] = "events.k8s.io/v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{name[..Math.Min(name.Length, 200)].TrimEnd('.', '-')}.{Convert.ToHexStringLower(said)[..16]}",
                ["namespace"] = notice.Namespace,
            },
            ["eventTime"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            ["reportingController"] = Controller,
            ["reportingInstance"] = Environment.MachineName is { Length: > 0 } machine ? machine : "extender",
            ["action"] = "Scheduling",
            ["reason"] = notice.Reason,
            ["note"] = note,
            ["type"] = notice.IsWarning ? "Warning" : "Normal",
            ["regarding"] = new JsonObject
            {
                ["apiVersion"] = resource is null ? "v1" : $"{resource.ApiGroup}/{_served.GetValueOrDefault(resource.Kind, resource.Versions[0])}",
                ["kind"] = resource?.ObjectKind ?? "Pod",
                ["namespace"] = notice.Namespace,
                ["name"] = name,
                ["uid"] = notice.Uid,
            },
        };
        try
        {
            await connection.CallAsync(HttpMethod.Post, $"apis/events.k8s.io/v1/namespaces/{Uri.EscapeDataString(notice.Namespace)}/events", Bytes(body), s_eventRule, cancellationToken);
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.Conflict)
        {
            // It was said already.
        }
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

    private static string Shorten(string note) => note.Length < LongestNote / 3 ? note : note[..((LongestNote / 3) - 1)] + "…";
}
