using System.Globalization;
using System.Net;
using System.Text;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Sets a label that nothing reads. A label, because since 1.32 kube-scheduler looks at a refused pod again only for some changes of
/// the pod itself, and annotations are not among them; up to then any change did.
/// </summary>
public sealed class PodWaker(KubernetesConnection connection, TimeProvider? time = null) : IPodWaker
{
    private static readonly RbacRule s_patchRule = new("", "pods", "patch");

    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public async Task WakeAsync(PodInfo pod, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(pod);

        // The UID makes it a patch of this pod alone: of another one by that name it would be a change of the UID, which is refused.
        var body = string.Create(CultureInfo.InvariantCulture, $"{{\"metadata\":{{\"uid\":\"{pod.Uid}\",\"labels\":{{\"{GpuAnnotations.GangWoken}\":\"{_time.GetUtcNow().ToUnixTimeMilliseconds()}\"}}}}}}");
        try
        {
            await connection.CallAsync(HttpMethod.Patch, PodPath.Of(pod), Encoding.UTF8.GetBytes(body), s_patchRule, cancellationToken);
        }
        catch (KubernetesApiException e) when (e.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity)
        {
            // It is gone, or another one has its name.
        }
    }
}
