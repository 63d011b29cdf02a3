using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// Finds how the MIG devices that a node offers can be laid out on its GPUs, for nodes that say how many devices of each profile
/// they have but not where.
/// </summary>
public static class MigLayout
{
    private const int Effort = 100_000;

    /// <summary>
    /// Lays out the given numbers of instances on so many GPUs, alike on every GPU where that is possible. Null when they do not
    /// fit together: then the node announces more than exists at once, and its devices are made on demand.
    /// </summary>
    /// <param name="geometry">The product's profiles.</param>
    /// <param name="counts">Instances by index of the profile.</param>
    /// <param name="gpus">GPUs, at least 1.</param>
    public static ImmutableArray<ImmutableArray<MigPlacement>>? TryLayOut(MigGeometry geometry, ReadOnlySpan<int> counts, int gpus)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        ArgumentOutOfRangeException.ThrowIfLessThan(gpus, 1);
        var alike = counts.ToArray();
        if (Array.TrueForAll(alike, c => c % gpus == 0))
        {
            var share = Array.ConvertAll(alike, c => c / gpus);
            if (OnOneGpu(geometry, share) is { } one)
            {
                return [.. Enumerable.Repeat(one, gpus)];
            }
        }

        var remaining = counts.ToArray();
        var layout = new List<ImmutableArray<MigPlacement>>();
        var effort = Effort;
        return Spread(geometry, Patterns(geometry), remaining, gpus, layout, new HashSet<string>(StringComparer.Ordinal), ref effort) ? [.. layout] : null;
    }

    private static ImmutableArray<MigPlacement>? OnOneGpu(MigGeometry geometry, int[] counts)
    {
        var placed = new List<MigPlacement>();
        var media = counts.Where((c, p) => c > 0 && geometry.Profiles[p].HasMediaExtensions).Sum();
        return media <= 1 && Place(geometry, counts, 0, placed) ? [.. placed.OrderBy(p => p.Start)] : null;
    }

    private static bool Place(MigGeometry geometry, int[] counts, byte taken, List<MigPlacement> placed)
    {
        // Big profiles first: they have the fewest places.
        var next = -1;
        for (var p = 0; p < counts.Length; p++)
        {
            if (counts[p] > 0 && (next < 0 || geometry.Profiles[p].MemorySlices > geometry.Profiles[next].MemorySlices))
            {
                next = p;
            }
        }

        if (next < 0)
        {
            return true;
        }

        var profile = geometry.Profiles[next];
        if (counts[next] > profile.MaxInstances)
        {
            return false;
        }

        counts[next]--;
        foreach (var start in profile.Starts)
        {
            var mask = profile.MaskAt(start);
            if ((taken & mask) != 0)
            {
                continue;
            }

            placed.Add(new MigPlacement(profile.Name, start, profile.MemorySlices));
            if (Place(geometry, counts, (byte)(taken | mask), placed))
            {
                counts[next]++;
                return true;
            }

            placed.RemoveAt(placed.Count - 1);
        }

        counts[next]++;
        return false;
    }

    /// <summary>Every multiset of instances that fits on one GPU and to which nothing can be added.</summary>
    private static List<int[]> Patterns(MigGeometry geometry)
    {
        var seen = new Dictionary<string, int[]>(StringComparer.Ordinal);
        Extend(geometry, 0, 0, new int[geometry.Profiles.Length], false, seen);
        return [.. seen.Values.OrderByDescending(p => p.Select((n, i) => n * geometry.Profiles[i].MemorySlices * geometry.Profiles[i].MemorySlices).Sum())];
    }

    private static void Extend(MigGeometry geometry, int slice, byte taken, int[] counts, bool media, Dictionary<string, int[]> seen)
    {
        if (slice == geometry.MemorySlices)
        {
            seen.TryAdd(string.Join(',', counts), [.. counts]);
            return;
        }

        var any = false;
        for (var p = 0; p < geometry.Profiles.Length; p++)
        {
            var profile = geometry.Profiles[p];
            if (profile.Starts.Contains(slice) && (taken & profile.MaskAt(slice)) == 0 && counts[p] < profile.MaxInstances && !(media && profile.HasMediaExtensions))
            {
                any |= profile.MemorySlices == 1;
                counts[p]++;
                Extend(geometry, slice + profile.MemorySlices, (byte)(taken | profile.MaskAt(slice)), counts, media || profile.HasMediaExtensions, seen);
                counts[p]--;
            }
        }

        if (!any)
        {
            Extend(geometry, slice + 1, taken, counts, media, seen);
        }
    }

    /// <summary>
    /// Gives the GPUs patterns until nothing remains. Some GPU must have the hardest profile that remains, so that only patterns with
    /// it are tried for the next one, each used as far as it goes.
    /// </summary>
    private static bool Spread(MigGeometry geometry, List<int[]> patterns, int[] remaining, int gpus, List<ImmutableArray<MigPlacement>> layout, HashSet<string> dead, ref int effort)
    {
        var slices = 0L;
        var hardest = -1;
        for (var p = 0; p < remaining.Length; p++)
        {
            var profile = geometry.Profiles[p];
            slices += (long)remaining[p] * profile.MemorySlices;
            if (remaining[p] > (long)gpus * profile.MaxInstances)
            {
                return false;
            }

            if (remaining[p] > 0 && (hardest < 0 || Hardness(profile) > Hardness(geometry.Profiles[hardest])))
            {
                hardest = p;
            }
        }

        if (hardest < 0)
        {
            layout.AddRange(Enumerable.Repeat(ImmutableArray<MigPlacement>.Empty, gpus));
            return true;
        }

        var key = string.Join(',', remaining);
        if (slices > gpus * geometry.MemorySlices || dead.Contains(key + '/' + gpus) || --effort < 0)
        {
            return false;
        }

        var before = remaining.ToArray();
        foreach (var pattern in patterns)
        {
            if (pattern[hardest] == 0)
            {
                continue;
            }

            var used = new int[remaining.Length];
            for (var p = 0; p < remaining.Length; p++)
            {
                used[p] = Math.Min(before[p], pattern[p]);
                remaining[p] = before[p] - used[p];
            }

            layout.Add(OnOneGpu(geometry, used) ?? throw new InvalidOperationException("a part of a pattern that fits must fit"));
            if (Spread(geometry, patterns, remaining, gpus - 1, layout, dead, ref effort))
            {
                return true;
            }

            layout.RemoveAt(layout.Count - 1);
        }

        before.CopyTo(remaining, 0);
        dead.Add(key + '/' + gpus);
        return false;
    }

    /// <summary>Those with media extensions first, of which a GPU has one, then by size.</summary>
    private static int Hardness(MigProfile profile) => profile.MemorySlices + (profile.HasMediaExtensions ? 8 : 0);
}
