namespace GpuScheduler.Testing;

/// <summary>One MIG profile of a product.</summary>
public sealed record MigProfileFact
{
    /// <summary>Name as nvidia-smi prints it: 1g.10gb+me.</summary>
    public required string Name { get; init; }

    /// <summary>Compute slices.</summary>
    public required int ComputeSlices { get; init; }

    /// <summary>Memory slices.</summary>
    public required int MemorySlices { get; init; }

    /// <summary>Memory slices at which it may start.</summary>
    public required int[] Starts { get; init; }

    /// <summary>Most instances on a GPU.</summary>
    public required int MaxInstances { get; init; }

    /// <summary>Memory of an instance, in MiB.</summary>
    public required int MemoryMiB { get; init; }

    /// <summary>True for the kinds of which a GPU can have one in all.</summary>
    public required bool MediaExtensions { get; init; }

    /// <summary>Name as in the resource: 1g.10gb.me.</summary>
    public string ResourceName => Name.Replace('+', '.');
}
