using System.Net;
using System.Text;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Deletes pods as kube-scheduler does for preemption: not by the eviction API, which a disruption budget can hold up when half of a job
/// is gone. Budgets have their say before, when the victims are chosen.
/// </summary>
public sealed class PodEvictor(KubernetesConnection connection) : IPodEvictor
{
    private static readonly RbacRule s_deleteRule = new("", "pods", "delete");

    /// <inheritdoc/>
    public async Task EvictAsync(PodInfo pod, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pod);

        // The UID makes it this pod alone: another one by that name is a conflict.
        var body = $"{{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{{\"uid\":\"{pod.Uid}\"}}}}";
        try
        {
            await connection.CallAsync(HttpMethod.Delete, PodPath.Of(pod), Encoding.UTF8.GetBytes(body), s_deleteRule, cancellationToken);
        }
        catch (KubernetesApiException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // It is gone, or another one has its name.
        }
    }
}
