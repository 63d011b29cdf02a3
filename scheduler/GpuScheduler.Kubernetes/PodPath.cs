using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>Where a pod is at the API server, below its address.</summary>
internal static class PodPath
{
    public static string Of(PodInfo pod) => Of(pod.Namespace, pod.Name);

    public static string Of(string podNamespace, string podName) => $"api/v1/namespaces/{Uri.EscapeDataString(podNamespace)}/pods/{Uri.EscapeDataString(podName)}";
}
