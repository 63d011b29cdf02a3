namespace GpuScheduler.Simulator.Tests.Reference;

/// <summary>A node of the published experiment, and what is free on it.</summary>
internal sealed class ReferenceNode(string name, long cpu, long memory, int gpus, string model)
{
    public string Name => name;

    public string Model => model;

    public long Cpu { get; set; } = cpu;

    public long Memory { get; set; } = memory;

    public int[] Cards { get; } = [.. Enumerable.Repeat(1000, gpus)];

    public int Pods { get; set; }

    /// <summary>GPU pods by class: share, 1, 2, 4 and 8 GPUs.</summary>
    public Dictionary<string, int> Classes { get; } = [];

    /// <summary>As openb lists it; of an unused node only.</summary>
    public string ToCsv() => $"{name},{Cpu},{Memory},{Cards.Length},{model}";
}
