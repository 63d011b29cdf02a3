using System.Globalization;
using k8s;
using k8s.Models;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>What a device plugin handed out: a GPU, or a share of one.</summary>
internal sealed record HandedOut(string Pod, string Node, string Gpu, int MemoryMiB, int Cores);

/// <summary>
/// Does on the API what the device plugins of gpushare, HAMi and Volcano do when the kubelet asks them for a pod's devices, written from what
/// their sources say (gpushare-device-plugin pkg/gpu/nvidia/allocate.go, podmanager.go; HAMi pkg/util/util.go GetPendingPod,
/// pkg/device-plugin/nvidiadevice/nvinternal/plugin/server.go Allocate; volcano-vgpu-device-plugin pkg/plugin/vgpu/util/util.go
/// getOldestPod). It shares no code with what writes the annotations.
/// </summary>
internal sealed class PlayedPlugins(IKubernetes client, CancellationToken cancellation)
{
    public List<HandedOut> HandedOut { get; } = [];

    public List<string> Failures { get; } = [];

    /// <summary>gpushare on a node: for each pending pod, the one with the earliest time among those that ask for as much.</summary>
    public async Task GpushareAsync(string node, int unitMiB, int gpus)
    {
        foreach (var kubelets in (await OnAsync(node)).Where(p => Units(p) > 0))
        {
            var candidates = (await OnAsync(node)).Where(p => Units(p) > 0 && Said(p, "ALIYUN_COM_GPU_MEM_ASSUME_TIME") is not null && Said(p, "ALIYUN_COM_GPU_MEM_ASSIGNED") == "false")
                .OrderBy(p => ulong.Parse(Said(p, "ALIYUN_COM_GPU_MEM_ASSUME_TIME")!, CultureInfo.InvariantCulture));
            if (candidates.FirstOrDefault(p => Units(p) == Units(kubelets)) is not { } pod)
            {
                if (Said(kubelets, "ALIYUN_COM_GPU_MEM_ASSIGNED") != "true")
                {
                    Failures.Add($"gpushare on {node}: no pod with {Units(kubelets)} is assumed");
                }

                continue;
            }

            var index = int.Parse(Said(pod, "ALIYUN_COM_GPU_MEM_IDX") ?? "-1", CultureInfo.InvariantCulture);
            if (index < 0 || index >= gpus || Said(pod, "ALIYUN_COM_GPU_MEM_POD") != Units(pod).ToString(CultureInfo.InvariantCulture))
            {
                Failures.Add($"gpushare on {node}: {pod.Metadata.Name} has GPU {index} and {Said(pod, "ALIYUN_COM_GPU_MEM_POD")} units for {Units(pod)}");
            }

            HandedOut.Add(new HandedOut(pod.Metadata.Name, node, index.ToString(CultureInfo.InvariantCulture), Units(pod) * unitMiB, 0));
            await AnnotateAsync(pod, ("ALIYUN_COM_GPU_MEM_ASSIGNED", "true"));
        }
    }

    /// <summary>HAMi on a node: the pod that the node's lock names; afterwards the lock is open.</summary>
    public async Task HamiAsync(string node)
    {
        var annotations = (await client.CoreV1.ReadNodeAsync(node, cancellationToken: cancellation)).Metadata.Annotations;
        if (annotations?.TryGetValue("hami.io/mutex.lock", out var held) != true || held!.Split(',') is not [_, var space, var name])
        {
            return;
        }

        var pod = await client.CoreV1.ReadNamespacedPodAsync(name, space, cancellationToken: cancellation);
        if (pod.Spec.NodeName is null)
        {
            return; // its Binding is on its way: the kubelet has not seen it
        }

        if (pod.Spec.NodeName != node || Said(pod, "hami.io/vgpu-node") != node || Said(pod, "hami.io/bind-phase") != "allocating")
        {
            Failures.Add($"HAMi on {node}: {name} is locked and is on {pod.Spec.NodeName}, for {Said(pod, "hami.io/vgpu-node")}, {Said(pod, "hami.io/bind-phase")}");
        }

        TakeVgpus(pod, "HAMi", Said(pod, "hami.io/vgpu-devices-to-allocate")!, "nvidia.com/gpu", endsContainers: true);
        await AnnotateAsync(pod, ("hami.io/bind-phase", "success"), ("hami.io/vgpu-devices-to-allocate", ""));
        await client.CoreV1.PatchNodeAsync(new V1Patch("""{"metadata":{"annotations":{"hami.io/mutex.lock":null}}}""", V1Patch.PatchType.MergePatch), node, cancellationToken: cancellation);
    }

    /// <summary>Volcano on a node: the pending pod with the earliest time.</summary>
    public async Task VolcanoAsync(string node)
    {
        var pod = (await OnAsync(node)).Where(p => Said(p, "volcano.sh/bind-phase") == "allocating" && Said(p, "volcano.sh/bind-time") is not null && Said(p, "volcano.sh/vgpu-node") == node)
            .MinBy(p => ulong.Parse(Said(p, "volcano.sh/vgpu-time")!, CultureInfo.InvariantCulture));
        if (pod is not null)
        {
            TakeVgpus(pod, "Volcano", Said(pod, "volcano.sh/devices-to-allocate")!, "volcano.sh/vgpu-number", endsContainers: false);
            await AnnotateAsync(pod, ("volcano.sh/bind-phase", "success"), ("volcano.sh/vgpu-time", "18446744073709551615"));
        }
    }

    private void TakeVgpus(V1Pod pod, string plugin, string text, string count, bool endsContainers)
    {
        var containers = text.Split(';');
        if (endsContainers && containers[^1].Length > 0)
        {
            Failures.Add($"{plugin}: \"{text}\" of {pod.Metadata.Name} does not end");
        }

        for (var i = 0; i < pod.Spec.Containers.Count; i++)
        {
            var devices = containers[i].Split(':', StringSplitOptions.RemoveEmptyEntries).Select(d => d.Split(',')).ToList();
            var wanted = pod.Spec.Containers[i].Resources?.Limits?.TryGetValue(count, out var quantity) == true ? (int)quantity.ToDecimal() : 0;
            if (devices.Count != wanted || devices.Any(d => d[1] != "NVIDIA"))
            {
                Failures.Add($"{plugin}: container {i} of {pod.Metadata.Name} wants {wanted} and has \"{containers[i]}\""); // "device number not matched"
            }

            HandedOut.AddRange(devices.Select(d => new HandedOut(
                pod.Metadata.Name, pod.Spec.NodeName, d[0], int.Parse(d[2], CultureInfo.InvariantCulture), int.Parse(d[3], CultureInfo.InvariantCulture))));
        }
    }

    private async Task<IEnumerable<V1Pod>> OnAsync(string node) =>
        (await client.CoreV1.ListPodForAllNamespacesAsync(fieldSelector: $"spec.nodeName={node},status.phase=Pending", cancellationToken: cancellation)).Items;

    private async Task AnnotateAsync(V1Pod pod, params (string Name, string Value)[] annotations) => await client.CoreV1.PatchNamespacedPodAsync(
        new V1Patch($"{{\"metadata\":{{\"annotations\":{{{string.Join(',', annotations.Select(a => $"\"{a.Name}\":\"{a.Value}\""))}}}}}}}", V1Patch.PatchType.MergePatch),
        pod.Metadata.Name, pod.Metadata.NamespaceProperty, cancellationToken: cancellation);

    private static string? Said(V1Pod pod, string annotation) => pod.Metadata.Annotations?.TryGetValue(annotation, out var value) == true ? value : null;

    private static int Units(V1Pod pod) =>
        pod.Spec.Containers.Sum(c => c.Resources?.Limits?.TryGetValue("aliyun.com/gpu-mem", out var units) == true ? (int)units.ToDecimal() : 0);
}
