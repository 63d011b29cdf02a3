using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Core.Requests;

/// <summary>Sums of what containers request; saturating, so that absurd numbers stay absurd instead of wrapping round.</summary>
internal sealed class ResourceTotals
{
    public long CpuMilli { get; set; }

    public long MemoryBytes { get; set; }

    public long Gpus { get; set; }

    /// <summary>Shares in the words of a dialect; null for none.</summary>
    public ShareAmounts? Shares { get; set; }

    public Dictionary<string, long>? Mig { get; private set; }

    public void AddMig(string profile, long count)
    {
        Mig ??= new(StringComparer.Ordinal);
        Mig[profile] = Mig.GetValueOrDefault(profile) + count;
    }

    public void Add(ResourceTotals other)
    {
        CpuMilli = Saturated(CpuMilli, other.CpuMilli);
        MemoryBytes = Saturated(MemoryBytes, other.MemoryBytes);
        Gpus = Saturated(Gpus, other.Gpus);
        Shares = ShareAmounts.Sum(Shares, other.Shares);
        foreach (var (profile, count) in other.Mig ?? [])
        {
            AddMig(profile, count);
        }
    }

    public void Max(ResourceTotals other)
    {
        CpuMilli = Math.Max(CpuMilli, other.CpuMilli);
        MemoryBytes = Math.Max(MemoryBytes, other.MemoryBytes);
        Gpus = Math.Max(Gpus, other.Gpus);
        Shares = ShareAmounts.Largest(Shares, other.Shares);
        foreach (var (profile, count) in other.Mig ?? [])
        {
            Mig ??= new(StringComparer.Ordinal);
            Mig[profile] = Math.Max(Mig.GetValueOrDefault(profile), count);
        }
    }

    private static long Saturated(long a, long b) => long.MaxValue - a < b ? long.MaxValue : a + b;
}
