namespace GpuScheduler.Testing;

/// <summary>The MIG profiles of a product, as nvidia-smi mig -lgip and -lgipp print them.</summary>
public sealed record MigProductFact
{
    /// <summary>Name in the table.</summary>
    public required string Product { get; init; }

    /// <summary>Product labels.</summary>
    public required string[] GfdProducts { get; init; }

    /// <summary>Memory slices of a GPU.</summary>
    public required int MemorySliceCount { get; init; }

    /// <summary>The profiles.</summary>
    public required MigProfileFact[] Profiles { get; init; }

    /// <summary>The profile of a resource name.</summary>
    public MigProfileFact Profile(string resourceName) => Profiles.Single(p => p.ResourceName == resourceName);
}
