using System.Collections.Immutable;
using System.Globalization;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// The MIG profiles of a product. Two instances are compatible exactly when their intervals are disjoint (shown by enumeration
/// over the published placements: disjointness alone never exceeds the compute slices).
/// </summary>
/// <param name="MemorySlices">Memory slices of a GPU: 8, or 4 on A30.</param>
/// <param name="Profiles">The profiles.</param>
public sealed record MigGeometry(int MemorySlices, ImmutableArray<MigProfile> Profiles)
{
    /// <summary>All slices of a GPU as bits.</summary>
    public byte FullMask => (byte)((1 << MemorySlices) - 1);

    /// <summary>
    /// Index of the profile that a published name means, or -1. Names drift between drivers (the same board shows 1g.23gb and
    /// 1g.24gb), so that a name not in the table is matched by its compute slices, then by the nearest memory, within a quarter.
    /// </summary>
    public int IndexOf(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        for (var i = 0; i < Profiles.Length; i++)
        {
            if (string.Equals(Profiles[i].Name, name, StringComparison.Ordinal))
            {
                return i;
            }
        }

        if (!TryReadName(name, out var compute, out var gigabytes, out var media))
        {
            return -1;
        }

        var best = -1;
        var bestGap = double.MaxValue;
        for (var i = 0; i < Profiles.Length; i++)
        {
            if (TryReadName(Profiles[i].Name, out var c, out var g, out var m) && c == compute && m == media)
            {
                var gap = Math.Abs(g - gigabytes) / (double)g;
                if (gap <= 0.25 && gap < bestGap)
                {
                    (best, bestGap) = (i, gap);
                }
            }
        }

        return best;
    }

    /// <summary>
    /// Index of the profile that a device at a place has, or -1: by compute and memory slices, which the name and the place tell, and
    /// only where no profile has both by the name's memory.
    /// </summary>
    public int IndexOf(MigPlacement placement)
    {
        if (TryReadName(placement.Profile, out var compute, out _, out var media))
        {
            for (var i = 0; i < Profiles.Length; i++)
            {
                var profile = Profiles[i];
                if (profile.ComputeSlices == compute && profile.MemorySlices == placement.Size && profile.HasMediaExtensions == media)
                {
                    return i;
                }
            }
        }

        return IndexOf(placement.Profile);
    }

    /// <summary>Reads "3g.40gb" or "1g.10gb.me", which the driver and DRA write as "1g.10gb+me".</summary>
    public static bool TryReadName(string name, out int computeSlices, out int gigabytes, out bool mediaExtensions)
    {
        ArgumentNullException.ThrowIfNull(name);
        computeSlices = 0;
        gigabytes = 0;
        mediaExtensions = name.EndsWith(".me", StringComparison.Ordinal) || name.EndsWith("+me", StringComparison.Ordinal);
        var text = mediaExtensions ? name.AsSpan(0, name.Length - 3) : name;
        var dot = text.IndexOf("g.", StringComparison.Ordinal);
        return dot > 0 && text.EndsWith("gb", StringComparison.Ordinal) && text.Length > dot + 4
            && int.TryParse(text[..dot], NumberStyles.None, CultureInfo.InvariantCulture, out computeSlices)
            && int.TryParse(text[(dot + 2)..^2], NumberStyles.None, CultureInfo.InvariantCulture, out gigabytes)
            && gigabytes > 0;
    }
}
