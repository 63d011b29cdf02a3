namespace GpuScheduler.Testing;

/// <summary>A pod of the published placement experiment.</summary>
/// <param name="Cpu">CPU, in milli-CPU.</param>
/// <param name="Memory">Memory, in MiB.</param>
/// <param name="Cards">How many cards; 0 for none.</param>
/// <param name="Milli">How much of each, in milli-GPU: below 1000 only with one card.</param>
/// <param name="Models">The allowed models, separated by '|'; "" for any.</param>
public sealed record OraclePod(int Cpu, int Memory, int Cards, int Milli, string Models = "")
{
    /// <summary>GpuClustering's classes.</summary>
    public string Class => Cards == 0 ? "none" : Milli < 1000 ? "share" : $"{Cards}-gpu";

    /// <summary>True when the model will do.</summary>
    public bool Allows(string model) => Models.Length == 0 || Models.Split('|').Contains(model);
}
