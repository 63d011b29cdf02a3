using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads the node and writes its labels by one merge patch that carries the version read: what somebody else asked for in between is not
/// overwritten.
/// </summary>
public sealed class NodeMigWriter(KubernetesConnection connection) : INodeMigWriter
{
    /// <summary>Attempts; nodes change often, by their kubelets.</summary>
    private const int Attempts = 4;

    private static readonly RbacRule s_getRule = new("", "nodes", "get");
    private static readonly RbacRule s_patchRule = new("", "nodes", "patch", "gpu-scheduler-extender-mig");

    /// <inheritdoc/>
    public async Task<MigWriteOutcome> WriteAsync(MigWrite write, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(write);
        var path = $"api/v1/nodes/{Uri.EscapeDataString(write.Node)}";
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var (version, config) = Read(await connection.CallAsync(HttpMethod.Get, path, null, s_getRule, cancellationToken), write.Node);
                if (!write.IsForAnyConfig && config != write.Expected)
                {
                    return MigWriteOutcome.Changed;
                }

                var labels = new JsonObject();
                foreach (var (key, value) in write.Labels)
                {
                    labels[key] = value;
                }

                var patch = new JsonObject { ["metadata"] = new JsonObject { ["resourceVersion"] = version, ["labels"] = labels } };
                await connection.CallAsync(HttpMethod.Patch, path, Encoding.UTF8.GetBytes(patch.ToJsonString()), s_patchRule, cancellationToken);
                return MigWriteOutcome.Written;
            }
            catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound)
            {
                return MigWriteOutcome.Gone;
            }
            catch (KubernetesApiException e) when (e.Status == HttpStatusCode.Conflict && attempt < Attempts)
            {
                // It has changed since it was read.
            }
        }
    }

    private static (string? Version, string? Config) Read(byte[] utf8Node, string name)
    {
        try
        {
            var metadata = JsonNode.Parse(utf8Node)?["metadata"];
            return ((string?)metadata?["resourceVersion"], (string?)metadata?["labels"]?[MigLabels.Config] is { Length: > 0 } config ? config : null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new KubernetesApiException($"the API server's answer for node {name} cannot be read: {e.Message}", innerException: e);
        }
    }
}
