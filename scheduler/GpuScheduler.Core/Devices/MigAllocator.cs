using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// Which MIG devices a request gets. One device goes where the GPU loses least value (<see cref="MigValueTable"/>), then to the
/// fullest GPU, then to the lowest number. Several are placed largest first with backtracking, so that they are found whenever
/// they fit at all. On GPUs cut into fixed instances only those can be had.
/// </summary>
internal static class MigAllocator
{
    /// <summary>Bound on the backtracking, far above what the largest machine needs; reaching it counts as "does not fit now".</summary>
    private const int Effort = 50_000;

    public static bool TryPick(GpuRequest request, NodeInfo node, ref DevicePick pick, ref Status status)
    {
        status = Reasons.NoFreeMig;
        if (node.Facts.Geometry is not { } geometry)
        {
            return false;
        }

        Span<int> wanted = stackalloc int[geometry.Profiles.Length];
        var count = 0;
        foreach (var mig in request.Mig)
        {
            var profile = geometry.IndexOf(mig.Profile);
            if (profile < 0 || node.FreeMig[profile] < mig.Count + wanted[profile] || geometry.Profiles[profile].MemoryMiB < request.MinGpuMemoryMiB)
            {
                return false;
            }

            wanted[profile] += mig.Count;
            count += mig.Count;
        }

        if (count > node.Facts.Gpus.Length * geometry.MemorySlices)
        {
            return false;
        }

        Span<GpuMig> gpus = stackalloc GpuMig[node.Facts.Gpus.Length];
        for (var i = 0; i < gpus.Length; i++)
        {
            gpus[i] = new GpuMig(node.Use[i].MigMask, node.Use[i].MediaExtensions);
        }

        if (count == 1)
        {
            return TryPickOne(request.Mig[0].Profile, node, geometry, gpus, ref pick, ref status);
        }

        var names = ProfileNames(request, geometry);
        var order = Order(wanted, geometry, count);
        var chosen = new MigPick[count];
        var effort = Effort;
        if (!Place(node, geometry, names, order, 0, gpus, chosen, [], ref effort))
        {
            return false;
        }

        var loss = 0.0;
        var values = MigValueTable.For(geometry);
        for (var i = 0; i < gpus.Length; i++)
        {
            loss += values.Loss(node.Use[i].MigMask, gpus[i].Taken);
        }

        pick = pick with { SeveralMig = ImmutableArray.Create(chosen), MigLoss = loss };
        status = Status.Success;
        return true;
    }

    private static bool TryPickOne(string name, NodeInfo node, MigGeometry geometry, Span<GpuMig> gpus, ref DevicePick pick, ref Status status)
    {
        var profile = geometry.IndexOf(name);
        var best = default(Option);
        for (var rest = node.Facts.MigMask; rest != 0; rest &= rest - 1)
        {
            var option = BestOn(node, geometry, profile, BitOperations.TrailingZeroCount(rest), gpus);
            if (option.Exists && (!best.Exists || option.CompareTo(best) < 0))
            {
                best = option;
            }
        }

        if (!best.Exists)
        {
            return false;
        }

        pick = pick with { SingleMig = ToPick(node, geometry, name, profile, best), MigLoss = best.Loss };
        status = Status.Success;
        return true;
    }

    private static bool Place(NodeInfo node, MigGeometry geometry, string[] names, int[] order, int next, Span<GpuMig> gpus, MigPick[] chosen, List<(int Profile, int Gpu, int Start)> failed, ref int effort)
    {
        if (next == order.Length)
        {
            return true;
        }

        var profile = order[next];
        var options = new List<Option>();
        for (var rest = node.Facts.MigMask; rest != 0; rest &= rest - 1)
        {
            AddOptions(node, geometry, profile, BitOperations.TrailingZeroCount(rest), gpus, options);
        }

        options.Sort();
        var failedBefore = failed.Count;
        foreach (var option in options)
        {
            // Instances of one profile are interchangeable: every set with a place that failed here has been tried.
            if (failed.Contains((profile, option.Gpu, option.Start)))
            {
                continue;
            }

            if (--effort < 0)
            {
                return false;
            }

            var before = gpus[option.Gpu];
            gpus[option.Gpu] = before.With(geometry.Profiles[profile], option.Start);
            chosen[next] = ToPick(node, geometry, names[profile], profile, option);
            if (Place(node, geometry, names, order, next + 1, gpus, chosen, failed, ref effort))
            {
                return true;
            }

            gpus[option.Gpu] = before;
            failed.Add((profile, option.Gpu, option.Start));
        }

        failed.RemoveRange(failedBefore, failed.Count - failedBefore);
        return false;
    }

    private static Option BestOn(NodeInfo node, MigGeometry geometry, int profile, int gpu, Span<GpuMig> gpus)
    {
        var state = gpus[gpu];
        var kind = geometry.Profiles[profile];
        if (kind.HasMediaExtensions && state.Media)
        {
            return default;
        }

        if (node.Facts.Gpus[gpu].Mig == MigMode.OnDemand)
        {
            var values = MigValueTable.For(geometry);
            var start = values.BestStart(profile, state.Taken);
            return start < 0 ? default : new Option(true, gpu, start, values.Loss(state.Taken, (byte)(state.Taken | kind.MaskAt(start))), BitOperations.PopCount(state.Taken));
        }

        var best = default(Option);
        foreach (var instance in node.Facts.Gpus[gpu].Instances)
        {
            if ((state.Taken & instance.Placement.Mask) == 0 && geometry.IndexOf(instance.Placement.Profile) == profile)
            {
                // What is cut is cut: no placement spoils another, so that only packing counts.
                var option = new Option(true, gpu, instance.Placement.Start, 0, BitOperations.PopCount(state.Taken));
                best = !best.Exists || option.CompareTo(best) < 0 ? option : best;
            }
        }

        return best;
    }

    private static void AddOptions(NodeInfo node, MigGeometry geometry, int profile, int gpu, Span<GpuMig> gpus, List<Option> options)
    {
        var state = gpus[gpu];
        var kind = geometry.Profiles[profile];
        if (kind.HasMediaExtensions && state.Media)
        {
            return;
        }

        var used = BitOperations.PopCount(state.Taken);
        if (node.Facts.Gpus[gpu].Mig == MigMode.OnDemand)
        {
            var values = MigValueTable.For(geometry);
            foreach (var start in kind.Starts)
            {
                if ((state.Taken & kind.MaskAt(start)) == 0)
                {
                    options.Add(new Option(true, gpu, start, values.Loss(state.Taken, (byte)(state.Taken | kind.MaskAt(start))), used));
                }
            }

            return;
        }

        foreach (var instance in node.Facts.Gpus[gpu].Instances)
        {
            if ((state.Taken & instance.Placement.Mask) == 0 && geometry.IndexOf(instance.Placement.Profile) == profile)
            {
                options.Add(new Option(true, gpu, instance.Placement.Start, 0, used));
            }
        }
    }

    private static MigPick ToPick(NodeInfo node, MigGeometry geometry, string name, int profile, in Option option)
    {
        var start = option.Start;
        string? uuid = null;
        foreach (var instance in node.Facts.Gpus[option.Gpu].Instances)
        {
            if (instance.Placement.Start == start && geometry.IndexOf(instance.Placement.Profile) == profile)
            {
                uuid = instance.Uuid;
            }
        }

        return new MigPick(option.Gpu, new MigPlacement(name, start, geometry.Profiles[profile].MemorySlices), uuid);
    }

    private static string[] ProfileNames(GpuRequest request, MigGeometry geometry)
    {
        var names = new string[geometry.Profiles.Length];
        foreach (var mig in request.Mig)
        {
            names[geometry.IndexOf(mig.Profile)] = mig.Profile;
        }

        return names;
    }

    private static int[] Order(ReadOnlySpan<int> wanted, MigGeometry geometry, int count)
    {
        var order = new int[count];
        var at = 0;
        for (var size = geometry.MemorySlices; size > 0; size--)
        {
            for (var p = 0; p < wanted.Length; p++)
            {
                if (geometry.Profiles[p].MemorySlices == size)
                {
                    order.AsSpan(at, wanted[p]).Fill(p);
                    at += wanted[p];
                }
            }
        }

        return order;
    }

    private readonly record struct GpuMig(byte Taken, bool Media)
    {
        public GpuMig With(MigProfile profile, int start) => new((byte)(Taken | profile.MaskAt(start)), Media || profile.HasMediaExtensions);
    }

    private readonly record struct Option(bool Exists, int Gpu, int Start, double Loss, int Used) : IComparable<Option>
    {
        public int CompareTo(Option other)
        {
            var byLoss = Loss.CompareTo(other.Loss);
            var byUse = other.Used.CompareTo(Used);
            return byLoss != 0 ? byLoss : byUse != 0 ? byUse : Gpu != other.Gpu ? Gpu.CompareTo(other.Gpu) : Start.CompareTo(other.Start);
        }
    }
}
