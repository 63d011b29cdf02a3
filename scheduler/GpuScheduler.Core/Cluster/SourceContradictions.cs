using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Where sources contradict what is believed: other GPUs or another number of them, memory that is off by more than 5 %, another
/// product, or a GPU that is unhealthy by a weaker source. One warning for each kind and source.
/// </summary>
internal static class SourceContradictions
{
    /// <summary>Less is rounding, and memory that firmware or ECC keeps.</summary>
    private const double MemoryTolerance = 0.05;

    /// <summary>Looks at all sources that list GPUs, strongest first, and at the labels.</summary>
    /// <param name="views">The statements that list GPUs, at least one.</param>
    /// <param name="gpus">What is believed.</param>
    /// <param name="product">The product that is believed.</param>
    /// <param name="labelCount">GPUs by label; -1 when it does not say or does not count GPUs.</param>
    /// <param name="labelMemoryMiB">Memory of a GPU by label; -1 when it does not say.</param>
    /// <param name="labelProduct">Product by label; "" when it does not say.</param>
    /// <param name="warn">Gets the warnings.</param>
    public static void Find(ImmutableArray<StatementView> views, ImmutableArray<GpuInfo> gpus, string product, int labelCount, int labelMemoryMiB, string labelProduct, Action<string> warn)
    {
        var believed = views[0].Statement.Source.InWords();
        foreach (var view in views)
        {
            var source = view.Statement.Source.InWords();
            if (view != views[0])
            {
                CompareGpus(view, source, believed, gpus, warn);
            }

            CompareMemory(source, gpus, i => view[i]?.MemoryMiB ?? 0, warn);
            CompareProduct(source, view.Statement.Gpus.Select(g => g.Product).FirstOrDefault(p => p is not null), product, warn);
            for (var i = 0; i < gpus.Length; i++)
            {
                if (gpus[i].Healthy && view[i] is { Healthy: false } ill)
                {
                    warn($"{Name(gpus[i])} is unhealthy by {source} ({ill.HealthReason ?? "no reason was given"}), and healthy by a stronger source, which is believed");
                }
            }
        }

        if (labelCount >= 0 && labelCount != gpus.Length)
        {
            warn($"by the labels there are {labelCount} GPUs, and by {believed}, believed here, {gpus.Length}");
        }

        CompareMemory("the labels", gpus, _ => labelMemoryMiB, warn);
        CompareProduct("the labels", labelProduct, product, warn);
    }

    private static void CompareGpus(StatementView view, string source, string believed, ImmutableArray<GpuInfo> gpus, Action<string> warn)
    {
        var count = view.Statement.Gpus.Length;
        if (count != gpus.Length)
        {
            warn($"by {source} there are {count} GPUs, and by {believed}, believed here, {gpus.Length}");
        }
        else if (!view.Covers)
        {
            var missing = Enumerable.Range(0, gpus.Length).First(i => view[i] is null);
            warn($"by {source} there are other GPUs than by {believed}, believed here: {Name(gpus[missing])} is not among them");
        }
    }

    private static void CompareMemory(string source, ImmutableArray<GpuInfo> gpus, Func<int, int> saidMiB, Action<string> warn)
    {
        for (var i = 0; i < gpus.Length; i++)
        {
            if (saidMiB(i) is > 0 and var said && Math.Abs(said - (double)gpus[i].MemoryMiB) > MemoryTolerance * gpus[i].MemoryMiB)
            {
                warn($"by {source} {Name(gpus[i])} has {said} MiB of memory, and by a stronger source, which is believed, {gpus[i].MemoryMiB} MiB");
                return;
            }
        }
    }

    private static void CompareProduct(string source, string? said, string product, Action<string> warn)
    {
        if (said is { Length: > 0 } && GpuCatalogue.Find(said) is { } other && GpuCatalogue.Find(product) is { } known && other != known)
        {
            warn($"by {source} the GPUs are {said}, and by a stronger source, which is believed, {product}");
        }
    }

    private static string Name(GpuInfo gpu) => gpu.Uuid ?? $"GPU {gpu.Index}";
}
