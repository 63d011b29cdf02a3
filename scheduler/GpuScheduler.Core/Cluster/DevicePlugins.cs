namespace GpuScheduler.Core.Cluster;

/// <summary>The device plugins of other GPU sharing stacks that a node can run: a pod in their words needs one that reads its assignment.</summary>
[Flags]
public enum DevicePlugins
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>AliyunContainerService/gpushare-device-plugin: the node offers aliyun.com/gpu-mem.</summary>
    Gpushare = 1,

    /// <summary>HAMi's: nvidia.com/gpu counts virtual GPUs, several a GPU.</summary>
    Hami = 2,

    /// <summary>volcano-vgpu-device-plugin: the node offers volcano.sh/vgpu-number.</summary>
    Volcano = 4,
}
