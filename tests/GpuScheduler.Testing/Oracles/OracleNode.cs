namespace GpuScheduler.Testing;

/// <summary>A node of the published placement experiment and what is free on it.</summary>
/// <param name="Model">Its GPU model.</param>
/// <param name="TotalCpu">CPU, in milli-CPU.</param>
/// <param name="TotalMemory">Memory, in MiB.</param>
/// <param name="CardCount">How many cards.</param>
/// <param name="MostPods">How many pods it takes.</param>
public sealed record OracleNode(string Model, int TotalCpu, int TotalMemory, int CardCount, int MostPods)
{
    /// <summary>Free CPU, in milli-CPU.</summary>
    public int Cpu { get; set; } = TotalCpu;

    /// <summary>Free memory, in MiB.</summary>
    public int Memory { get; set; } = TotalMemory;

    /// <summary>What is free on each card, in milli-GPU.</summary>
    public int[] Cards { get; } = [.. Enumerable.Repeat(1000, CardCount)];

    /// <summary>The pods on it.</summary>
    public List<OraclePod> Pods { get; } = [];
}
