namespace GpuScheduler.Testing;

/// <summary>What an auditor must know of a GPU.</summary>
public sealed record AuditedDevice
{
    /// <summary>Memory in MiB.</summary>
    public required int MemoryMiB { get; init; }

    /// <summary>May be handed out whole or in shares.</summary>
    public bool OffersWhole { get; init; }

    /// <summary>The MIG devices that may be on it; empty when none may.</summary>
    public IReadOnlySet<(string Profile, int Start, int Size)> Placements { get; init; } = new HashSet<(string, int, int)>();
}

/// <summary>What an auditor must know of a node.</summary>
public sealed record AuditedNode
{
    /// <summary>Name.</summary>
    public required string Name { get; init; }

    /// <summary>Product label.</summary>
    public string Product { get; init; } = "";

    /// <summary>The GPUs.</summary>
    public required IReadOnlyList<AuditedDevice> Devices { get; init; }

    /// <summary>Units of nvidia.com/gpu.</summary>
    public int AllocatableGpus { get; init; }

    /// <summary>MIG devices by profile; null when only the placements limit them.</summary>
    public IReadOnlyDictionary<string, int>? AllocatableMig { get; init; }

    /// <summary>True for two GPUs with an NVLink between them.</summary>
    public Func<int, int, bool> Linked { get; init; } = static (_, _) => false;

    /// <summary>Memory of the MIG devices, by profile.</summary>
    public IReadOnlyDictionary<string, int> MigMemoryMiB { get; init; } = new Dictionary<string, int>();
}
