namespace GpuScheduler.Simulator.Output;

/// <summary>Policies as they are called in print.</summary>
internal static class PolicyNames
{
    /// <summary>The engine's own policy.</summary>
    public const string Own = "default";

    /// <summary>The policies that ours is measured against: the best published one, and the simplest.</summary>
    public static IReadOnlyList<string> Baselines { get; } = ["fgd", "firstfit"];

    private static readonly Dictionary<string, string> s_names = new(StringComparer.Ordinal)
    {
        ["fgd"] = "FGD",
        ["bestfit"] = "BestFit",
        ["dotproduct"] = "DotProduct",
        ["gpupacking"] = "GpuPacking",
        ["gpuclustering"] = "GpuClustering",
        ["firstfit"] = "FirstFit",
        ["random"] = "Random",
        ["leastallocated"] = "LeastAllocated",
        ["mostallocated"] = "MostAllocated",
        ["podbypod"] = "pod by pod",
        [Own] = "default (ours)",
    };

    /// <summary>The name in print; that on the command line where there is no other.</summary>
    public static string Of(string policy) => s_names.GetValueOrDefault(policy, policy);
}
