using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Cluster;

/// <summary>Who uses a GPU, summed up.</summary>
public record struct DeviceUse
{
    /// <summary>True when a pod holds it whole.</summary>
    public bool Whole { get; internal set; }

    /// <summary>Memory slices taken by MIG devices, as bits.</summary>
    public byte MigMask { get; internal set; }

    /// <summary>True when a profile with media extensions, of which there can be one, is in use.</summary>
    public bool MediaExtensions { get; internal set; }

    /// <summary>Pods that share it.</summary>
    public int Shares { get; internal set; }

    /// <summary>Compute shared out, in milli-GPU.</summary>
    public int Milli { get; internal set; }

    /// <summary>Memory shared out, in MiB.</summary>
    public int MemoryMiB { get; internal set; }

    /// <summary>True when nobody uses any part of it.</summary>
    public readonly bool IsIdle => !Whole && MigMask == 0 && Shares == 0;

    /// <summary>Adds a device; false when it contradicts what is there already (it is added all the same: what is used is used).</summary>
    internal bool Add(in AssignedDevice device, in GpuInfo gpu)
    {
        bool agrees;
        if (device.Mig is { } mig)
        {
            var media = mig.Profile.EndsWith(".me", StringComparison.Ordinal);
            agrees = !Whole && Shares == 0 && (MigMask & mig.Mask) == 0 && !(media && MediaExtensions);
            MigMask |= mig.Mask;
            MediaExtensions |= media;
        }
        else if (device.IsShare)
        {
            Shares++;
            Milli += device.Milli;
            MemoryMiB = (int)Math.Min((long)MemoryMiB + device.MemoryMiB, int.MaxValue); // an annotation may say anything
            agrees = !Whole && MigMask == 0 && Milli <= SharePacking.WholeCard && (gpu.MemoryMiB == 0 || MemoryMiB <= gpu.MemoryMiB);
        }
        else
        {
            agrees = IsIdle;
            Whole = true;
        }

        return agrees;
    }
}
