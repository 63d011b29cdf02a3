namespace GpuScheduler.Simulator.Tests.Reference;

/// <summary>A pod of the published experiment: n cards of m milli-GPU each on one of the models.</summary>
internal sealed record ReferencePod(long Cpu, long Memory, int N, int M, string Spec)
{
    public string Class => N == 0 ? "cpu" : M < 1000 ? "share" : $"{N}-gpu";

    public bool Allows(string model) => Spec.Length == 0 || Spec.Split('|').Contains(model);

    public string ToCsv(string name) => $"{name},{Cpu},{Memory},{N},{M},{Spec}";
}
