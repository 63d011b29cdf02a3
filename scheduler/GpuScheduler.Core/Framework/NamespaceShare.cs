using System.Collections.Immutable;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// Some of the namespaces: those that are named, and a share of all. A namespace always gets the same answer, and a greater share
/// adds namespaces to those of a smaller one.
/// </summary>
/// <param name="Share">Which part of all namespaces, from 0 to 1.</param>
/// <param name="Named">Namespaces that belong to it whatever the share.</param>
public sealed record NamespaceShare(double Share, ImmutableHashSet<string> Named)
{
    /// <summary>True for a namespace that belongs to it.</summary>
    public bool Takes(string podNamespace)
    {
        ArgumentNullException.ThrowIfNull(podNamespace);
        return Named.Contains(podNamespace) || (Share > 0 && PlaceOf(podNamespace) < Share);
    }

    /// <summary>Where a namespace stands between 0 and 1: it belongs to every share above.</summary>
    private static double PlaceOf(string podNamespace) => (SeededDraw.For(0, podNamespace) >> 11) * (1.0 / (1UL << 53));
}
