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
        return Spread(geometry, Patterns(geometry), 0, remaining, gpus, layout, ref effort) ? [.. layout] : null;
    }

    private static ImmutableArray<MigPlacement>? OnOneGpu(MigGeometry geometry, int[] counts)
    {
        var placed = new List<MigPlacement>();
        return Place(geometry, counts, 0, 0, placed) ? [.. placed.OrderBy(p => p.Start)] : null;
    }

    private static bool Place(MigGeometry geometry, int[] counts, int depth, byte taken, List<MigPlacement> placed)
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
            if (Place(geometry, counts, depth + 1, (byte)(taken | mask), placed))
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
        Extend(geometry, 0, 0, new int[geometry.Profiles.Length], seen);
        return [.. seen.Values.OrderByDescending(p => p.Select((n, i) => n * geometry.Profiles[i].MemorySlices * geometry.Profiles[i].MemorySlices).Sum())];
    }

    private static void Extend(MigGeometry geometry, int slice, byte taken, int[] counts, Dictionary<string, int[]> seen)
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
            if (profile.Starts.Contains(slice) && (taken & profile.MaskAt(slice)) == 0 && counts[p] < profile.MaxInstances)
            {
                any |= profile.MemorySlices == 1;
                counts[p]++;
                Extend(geometry, slice + profile.MemorySlices, (byte)(taken | profile.MaskAt(slice)), counts, seen);
                counts[p]--;
            }
        }

        if (!any)
        {
            Extend(geometry, slice + 1, taken, counts, seen);
        }
    }

    private static bool Spread(MigGeometry geometry, List<int[]> patterns, int from, int[] remaining, int gpus, List<ImmutableArray<MigPlacement>> layout, ref int effort)
    {
        var slices = 0;
        for (var p = 0; p < remaining.Length; p++)
        {
            slices += remaining[p] * geometry.Profiles[p].MemorySlices;
        }

        if (slices == 0)
        {
            for (var left = gpus; left > 0; left--)
            {
                layout.Add([]);
            }

            return true;
        }

        if (gpus == 0 || slices > gpus * geometry.MemorySlices)
        {
            return false;
        }

        for (var i = from; i < patterns.Count; i++)
        {
            if (--effort < 0)
            {
                return false;
            }

            var used = new int[remaining.Length];
            var any = false;
            for (var p = 0; p < remaining.Length; p++)
            {
                used[p] = Math.Min(remaining[p], patterns[i][p]);
                any |= used[p] > 0;
            }

            if (!any)
            {
                continue;
            }

            for (var p = 0; p < remaining.Length; p++)
            {
                remaining[p] -= used[p];
            }

            layout.Add(OnOneGpu(geometry, used) ?? throw new InvalidOperationException("a part of a pattern that fits must fit"));
            if (Spread(geometry, patterns, i, remaining, gpus - 1, layout, ref effort))
            {
                return true;
            }

            layout.RemoveAt(layout.Count - 1);
            for (var p = 0; p < remaining.Length; p++)
            {
                remaining[p] += used[p];
            }
        }

        return false;
    }
}
