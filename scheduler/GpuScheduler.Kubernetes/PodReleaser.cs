using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Removes the gate by one merge patch that also adds the node to the required node affinity: a term is added where there is none, and
/// every term that is there gets the node as a further condition, which is the one change that the API server allows to a pod with gates.
/// The patch carries the version of the pod that it was made from, so that gates and terms of others that come in between are not lost.
/// </summary>
public sealed class PodReleaser(KubernetesConnection connection) : IPodReleaser
{
    private static readonly RbacRule s_getRule = new("", "pods", "get");
    private static readonly RbacRule s_patchRule = new("", "pods", "patch");

    /// <inheritdoc/>
    public async Task ReleaseAsync(GangRelease release, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(release);
        var path = PodPath.Of(release.Pod);
        try
        {
            var pod = await connection.CallAsync(HttpMethod.Get, path, null, s_getRule, cancellationToken);
            if (Patch(pod, release) is { } patch)
            {
                await connection.CallAsync(HttpMethod.Patch, path, Encoding.UTF8.GetBytes(patch.ToJsonString()), s_patchRule, cancellationToken);
            }
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            // It is gone.
        }
    }

    /// <summary>The patch; null when there is nothing to do.</summary>
    private static JsonObject? Patch(byte[] utf8Pod, GangRelease release)
    {
        try
        {
            var pod = JsonNode.Parse(utf8Pod);
            var (metadata, spec) = (pod?["metadata"], pod?["spec"]);
            var gates = spec?["schedulingGates"]?.AsArray().Select(g => (string?)g?["name"]).ToList() ?? [];
            if ((string?)metadata?["uid"] != release.Pod.Uid || !gates.Remove(GpuAnnotations.GangGate))
            {
                return null;
            }

            var head = new JsonObject { ["uid"] = release.Pod.Uid, ["resourceVersion"] = (string?)metadata["resourceVersion"] };
            var body = new JsonObject { ["schedulingGates"] = new JsonArray([.. gates.Select(g => new JsonObject { ["name"] = g })]) };
            if (release.Node is { } node)
            {
                head["annotations"] = new JsonObject { [GpuAnnotations.PlannedNode] = node };
                var terms = spec!["affinity"]?["nodeAffinity"]?["requiredDuringSchedulingIgnoredDuringExecution"]?["nodeSelectorTerms"]?.AsArray();
                body["affinity"] = new JsonObject
                {
                    ["nodeAffinity"] = new JsonObject
                    {
                        ["requiredDuringSchedulingIgnoredDuringExecution"] = new JsonObject
                        {
                            ["nodeSelectorTerms"] = new JsonArray(terms is { Count: > 0 } ? [.. terms.Select(t => Narrowed(t, node))] : [Narrowed(null, node)]),
                        },
                    },
                };
            }

            return new JsonObject { ["metadata"] = head, ["spec"] = body };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new KubernetesApiException($"the API server's answer for pod {release.Pod} cannot be read: {e.Message}", innerException: e);
        }
    }

    private static JsonObject Narrowed(JsonNode? term, string node)
    {
        var narrowed = term?.DeepClone().AsObject() ?? [];
        var fields = narrowed["matchFields"]?.AsArray();
        if (fields is null)
        {
            narrowed["matchFields"] = fields = [];
        }

        fields.Add((JsonNode)new JsonObject { ["key"] = "metadata.name", ["operator"] = "In", ["values"] = new JsonArray(node) });
        return narrowed;
    }
}
