using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Mig;

/// <summary>What can still be made on a GPU.</summary>
public static class MigPatterns
{
    /// <summary>
    /// Every multiset of devices that fits beside what is taken and to which none can be added, as counts by index of the profile.
    /// </summary>
    /// <param name="geometry">The profiles.</param>
    /// <param name="taken">Slices taken, as bits.</param>
    /// <param name="media">True when a device with media extensions is there already.</param>
    /// <param name="wanted">The profiles that count, by index; others are left out.</param>
    public static ImmutableArray<ImmutableArray<int>> Maximal(MigGeometry geometry, byte taken, bool media, IReadOnlySet<int> wanted)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        ArgumentNullException.ThrowIfNull(wanted);
        var seen = new HashSet<(int Slice, byte Taken, bool Media, string Counts)>();
        var ends = new Dictionary<string, int[]>(StringComparer.Ordinal);
        Extend(0, taken, media, new int[geometry.Profiles.Length]);
        return
        [
            .. ends.Values
                .Where(p => !ends.Values.Any(q => q != p && Covers(q, p)))
                .OrderBy(p => string.Join(',', p), StringComparer.Ordinal)
                .Select(p => p.ToImmutableArray()),
        ];

        void Extend(int slice, byte mask, bool hasMedia, int[] counts)
        {
            if (!seen.Add((slice, mask, hasMedia, string.Join(',', counts))))
            {
                return;
            }

            if (slice == geometry.MemorySlices)
            {
                ends.TryAdd(string.Join(',', counts), [.. counts]);
                return;
            }

            for (var p = 0; p < geometry.Profiles.Length; p++)
            {
                var profile = geometry.Profiles[p];
                if (wanted.Contains(p) && profile.Starts.Contains(slice) && (mask & profile.MaskAt(slice)) == 0 && counts[p] < profile.MaxInstances && !(hasMedia && profile.HasMediaExtensions))
                {
                    counts[p]++;
                    Extend(slice + profile.MemorySlices, (byte)(mask | profile.MaskAt(slice)), hasMedia || profile.HasMediaExtensions, counts);
                    counts[p]--;
                }
            }

            Extend(slice + 1, mask, hasMedia, counts);
        }
    }

    private static bool Covers(int[] more, int[] less)
    {
        for (var i = 0; i < more.Length; i++)
        {
            if (more[i] < less[i])
            {
                return false;
            }
        }

        return true;
    }
}
