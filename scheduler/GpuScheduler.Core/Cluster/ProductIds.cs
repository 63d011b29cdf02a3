using System.Collections.Concurrent;

namespace GpuScheduler.Core.Cluster;

/// <summary>Small numbers for product labels, so that a verdict on a label is reached once a request and not once a node.</summary>
internal static class ProductIds
{
    private static readonly ConcurrentDictionary<string, int> s_ids = new(StringComparer.Ordinal);
    /// <summary>Stands for products without a number; it is larger than any.</summary>
    public const int None = int.MaxValue;

    private static int s_last = -1;

    public static int Of(string product) => s_ids.GetOrAdd(product, static _ => Interlocked.Increment(ref s_last));

    /// <summary>The number of a product that has one already; <see cref="None"/> for others.</summary>
    public static int Find(string product) => s_ids.TryGetValue(product, out var id) ? id : None;

    /// <summary>More than any id given so far.</summary>
    public static int Count => Volatile.Read(ref s_last) + 1;
}
