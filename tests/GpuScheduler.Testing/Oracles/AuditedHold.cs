namespace GpuScheduler.Testing;

/// <summary>A device, or a part of one, in a pod's hands.</summary>
/// <param name="Gpu">Index of the GPU.</param>
/// <param name="Profile">MIG profile; null for a whole GPU or a share.</param>
/// <param name="Start">First memory slice of the MIG device.</param>
/// <param name="Size">Memory slices of the MIG device.</param>
/// <param name="MemoryMiB">Memory share.</param>
/// <param name="Milli">Compute share.</param>
public readonly record struct AuditedPart(int Gpu, string? Profile = null, int Start = 0, int Size = 0, int MemoryMiB = 0, int Milli = 0)
{
    /// <summary>True for a share.</summary>
    public bool IsShare => Profile is null && (MemoryMiB > 0 || Milli > 0);

    /// <summary>True for a whole GPU.</summary>
    public bool IsWhole => Profile is null && !IsShare;
}

/// <summary>What a pod asked for and what it has.</summary>
public sealed record AuditedHold
{
    /// <summary>UID of the pod.</summary>
    public required string Pod { get; init; }

    /// <summary>Its node.</summary>
    public required string Node { get; init; }

    /// <summary>The parts it holds.</summary>
    public required IReadOnlyList<AuditedPart> Parts { get; init; }

    /// <summary>Whole GPUs asked for.</summary>
    public int Whole { get; init; }

    /// <summary>MIG devices asked for, by profile.</summary>
    public IReadOnlyDictionary<string, int> Mig { get; init; } = new Dictionary<string, int>();

    /// <summary>Cards to share.</summary>
    public int ShareCount { get; init; }

    /// <summary>Memory of each share.</summary>
    public int ShareMemoryMiB { get; init; }

    /// <summary>Compute of each share.</summary>
    public int ShareMilli { get; init; }

    /// <summary>Words of the product that are allowed; empty for any.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Least memory of each device.</summary>
    public int MinMemoryMiB { get; init; }

    /// <summary>The GPUs must be connected by NVLink.</summary>
    public bool NvlinkRequired { get; init; }
}
