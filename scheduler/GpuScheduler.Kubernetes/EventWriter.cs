using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Writes events.k8s.io/v1. The name of an event follows from what it says and when, by tens of minutes: what was said already, by a
/// process before this one too, is refused as existing.
/// </summary>
internal sealed class EventWriter(KubernetesConnection connection, TimeProvider time)
{
    private const string Controller = "gpuscheduler.io/extender";

    /// <summary>Longest note that the API takes, in bytes; <see cref="Shorten"/> counts in characters and stays below.</summary>
    private const int LongestNote = 1024;

    private static readonly TimeSpan s_same = TimeSpan.FromMinutes(10);
    private static readonly RbacRule s_eventRule = new("events.k8s.io", "events", "create");

    /// <summary>Writes an event.</summary>
    /// <param name="space">Namespace of the event.</param>
    /// <param name="regarding">Its subject: apiVersion, kind, name, uid, and the namespace if it has one.</param>
    /// <param name="action">What was being done, in one word.</param>
    /// <param name="reason">Why it is said, in one word.</param>
    /// <param name="text">It in words.</param>
    /// <param name="isWarning">True when somebody may have to do something.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task WriteAsync(string space, JsonObject regarding, string action, string reason, string text, bool isWarning, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var note = Shorten(text);
        var name = (string)regarding["name"]!;
        var said = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{(string?)regarding["uid"]} {reason} {note} {now.Ticks / s_same.Ticks}")));
        var body = new JsonObject
        {
            ["apiVersion"] = "events.k8s.io/v1",
            ["kind"] = "Event",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{name[..Math.Min(name.Length, 200)].TrimEnd('.', '-')}.{Convert.ToHexStringLower(said)[..16]}",
                ["namespace"] = space,
            },
            ["eventTime"] = now.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
            ["reportingController"] = Controller,
            ["reportingInstance"] = Environment.MachineName is { Length: > 0 } machine ? machine : "extender",
            ["action"] = action,
            ["reason"] = reason,
            ["note"] = note,
            ["type"] = isWarning ? "Warning" : "Normal",
            ["regarding"] = regarding,
        };
        try
        {
            await connection.CallAsync(HttpMethod.Post, $"apis/events.k8s.io/v1/namespaces/{Uri.EscapeDataString(space)}/events", Encoding.UTF8.GetBytes(body.ToJsonString()), s_eventRule, cancellationToken);
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.Conflict)
        {
            // It was said already.
        }
    }

    private static string Shorten(string note) => note.Length < LongestNote / 3 ? note : note[..((LongestNote / 3) - 1)] + "…";
}
