namespace GpuScheduler.Core.Framework;

/// <summary>
/// Reproducible chance: a number that depends on a seed and a pod's UID alone, so that a question asked again gets the same answer
/// and the order in which pods are asked about does not matter.
/// </summary>
internal static class SeededDraw
{
    private const ulong FnvBasis = 14_695_981_039_346_656_037;
    private const ulong FnvPrime = 1_099_511_628_211;
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15;

    /// <summary>The number of a pod: FNV-1a over its UID, mixed with the seed.</summary>
    public static ulong For(ulong seed, string podUid)
    {
        var hash = FnvBasis;
        foreach (var c in podUid)
        {
            hash = (hash ^ c) * FnvPrime;
        }

        return Mix(hash ^ Mix(seed + Golden));
    }

    /// <summary>The finalizer of SplitMix64: every bit of the result depends on every bit of the value.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ (value >> 27)) * 0x94D0_49BB_1331_11EB;
        return value ^ (value >> 31);
    }
}
