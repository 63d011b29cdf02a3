using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace GpuScheduler.Kubernetes.Leases;

/// <summary>
/// Keeps the label <see cref="Name"/> on the leader's pod and on no other, which is what the Service selects: calls reach the leader, while
/// every replica that could lead counts as ready for the Deployment and for drains.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="podNamespace">Namespace of the replicas.</param>
/// <param name="pod">The pod of this process.</param>
/// <param name="logger">Gets what failed.</param>
public sealed class LeaderLabel(KubernetesConnection connection, string podNamespace, string pod, ILogger<LeaderLabel> logger)
{
    /// <summary>Name of the label.</summary>
    public const string Name = "gpuscheduler.io/leader";

    private static readonly RbacRule s_listRule = new("", "pods", "list");
    private static readonly RbacRule s_patchRule = new("", "pods", "patch");

    private string Pods => $"api/v1/namespaces/{Uri.EscapeDataString(podNamespace)}/pods";

    /// <summary>Sets the label on this pod, and takes it from those that have it besides. False, and said, when that failed.</summary>
    public async Task<bool> TryMoveHereAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var list = JsonDocument.Parse(await connection.CallAsync(HttpMethod.Get, $"{Pods}?labelSelector={Uri.EscapeDataString($"{Name}=true")}", null, s_listRule, cancellationToken));
            var have = list.RootElement.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("metadata").GetProperty("name").GetString()!).ToList();
            foreach (var other in have.Where(p => p != pod))
            {
                await PatchAsync(other, null, cancellationToken);
            }

            if (!have.Contains(pod))
            {
                await PatchAsync(pod, "true", cancellationToken);
            }

            return true;
        }
        catch (Exception e) when (e is KubernetesApiException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            Log.LeaderLabelFailed(logger, Name, e.Message);
            return false;
        }
    }

    private async Task PatchAsync(string name, string? value, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { [Name] = value } } }.ToJsonString();
        try
        {
            await connection.CallAsync(HttpMethod.Patch, $"{Pods}/{Uri.EscapeDataString(name)}", Encoding.UTF8.GetBytes(body), s_patchRule, cancellationToken);
        }
        catch (KubernetesApiException e) when (e.Status == HttpStatusCode.NotFound && value is null)
        {
            // It is gone, and its label with it.
        }
    }
}
