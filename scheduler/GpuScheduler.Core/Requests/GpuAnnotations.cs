namespace GpuScheduler.Core.Requests;

/// <summary>The names a pod speaks to us in, and we to it. One place: everything else refers to these constants.</summary>
public static class GpuAnnotations
{
    /// <summary>Prefix of every annotation of ours.</summary>
    public const string Prefix = "gpuscheduler.io/";

    /// <summary>Memory wanted on each shared GPU: a quantity of bytes, at least 1Mi.</summary>
    public const string GpuMemory = Prefix + "gpu-memory";

    /// <summary>Share of each GPU's compute, in milli-GPU: 1 to 1000.</summary>
    public const string GpuMilli = Prefix + "gpu-milli";

    /// <summary>On how many different GPUs the share is wanted: 1 to 64, default 1.</summary>
    public const string GpuCount = Prefix + "gpu-count";

    /// <summary>Allowed GPU models, alternatives separated by '|', matched on the product label.</summary>
    public const string GpuModel = Prefix + "gpu-model";

    /// <summary>Least memory each GPU must have in all: a quantity of bytes, at least 1Mi.</summary>
    public const string MinGpuMemory = Prefix + "min-gpu-memory";

    /// <summary>NVLink between the GPUs of the pod: required, preferred or none.</summary>
    public const string Nvlink = Prefix + "nvlink";

    /// <summary>Written at bind: which devices the pod holds (see <see cref="Devices.DeviceAssignment"/> for the form).</summary>
    public const string AssignedDevices = Prefix + "assigned-devices";

    /// <summary>
    /// Written at bind: the same as a list that NVIDIA_VISIBLE_DEVICES takes (UUIDs where known, else indices), for use through
    /// the downward API.
    /// </summary>
    public const string VisibleDevices = Prefix + "visible-devices";

    /// <summary>The extended resource of whole GPUs (and of MIG devices in the "single" strategy).</summary>
    public const string GpuResource = "nvidia.com/gpu";

    /// <summary>Prefix of the extended resources of MIG devices in the "mixed" strategy; the profile's name follows.</summary>
    public const string MigResourcePrefix = "nvidia.com/mig-";

    /// <summary>
    /// A resource that a sharing pod names so that a kube-scheduler with managedResources calls us for it. Its quantity has no
    /// meaning; nodes do not offer it (ignoredByScheduler), and the kubelet drops resources its node does not know.
    /// </summary>
    public const string SharedGpuResource = Prefix + "shared-gpu";
}
