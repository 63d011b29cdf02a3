using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// Which MIG devices a request gets. One device goes where the GPU loses least value (<see cref="MigValueTable"/>), then to the
/// fullest GPU, then to the lowest number. Several are placed hardest first with backtracking, so that they are found whenever
/// they fit at all. On GPUs cut into fixed instances only those can be had. A GPU that a pod holds whole or shares (it was not in
/// MIG mode then, or was not thought to be) has nothing free.
/// </summary>
internal static class MigAllocator
{
    /// <summary>Bound on the situations looked at, far above what pods ask for in practice; reaching it counts as "does not fit now".</summary>
    private const int Effort = 5_000;

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
            if (profile < 0 || node.FreeMig[profile] - wanted[profile] < mig.Count || geometry.Profiles[profile].MemoryMiB < request.MinGpuMemoryMiB)
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
            var use = node.Use[i];
            gpus[i] = new GpuMig(use.Whole || use.Shares > 0 ? geometry.FullMask : use.MigMask, use.MediaExtensions);
        }

        if (count == 1)
        {
            return TryPickOne(request.Mig[0].Profile, node, geometry, gpus, ref pick, ref status);
        }

        Span<GpuMig> before = stackalloc GpuMig[gpus.Length];
        gpus.CopyTo(before);
        var search = new Search(node, geometry, Order(request, geometry, count));
        if (!search.Place(0, gpus))
        {
            return false;
        }

        var loss = 0.0;
        var values = MigValueTable.For(geometry);
        for (var i = 0; i < gpus.Length; i++)
        {
            // What is cut is cut: on fixed instances no placement spoils another.
            loss += node.Facts.Gpus[i].Mig == MigMode.OnDemand ? values.Loss(before[i].Taken, gpus[i].Taken) : 0;
        }

        pick = pick with { SeveralMig = ImmutableArray.Create(search.Chosen), MigLoss = loss };
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

    /// <summary>The devices asked for one by one: media extensions (one a GPU) and then the largest first, those of one profile together.</summary>
    private static (int Profile, string Name)[] Order(GpuRequest request, MigGeometry geometry, int count)
    {
        var order = new List<(int Profile, string Name)>(count);
        foreach (var mig in request.Mig)
        {
            order.AddRange(Enumerable.Repeat((geometry.IndexOf(mig.Profile), mig.Profile), mig.Count));
        }

        return
        [
            .. order
                .OrderByDescending(d => geometry.Profiles[d.Profile].MemorySlices)
                .ThenByDescending(d => geometry.Profiles[d.Profile].HasMediaExtensions)
                .ThenBy(d => d.Profile),
        ];
    }

    /// <summary>
    /// Places several devices. GPUs in the same state are alike, and so are instances of one profile; what did not work out once is
    /// not tried again in another order.
    /// </summary>
    private sealed class Search(NodeInfo node, MigGeometry geometry, (int Profile, string Name)[] order)
    {
        private readonly HashSet<string> _dead = new(StringComparer.Ordinal);
        private int _effort = Effort;

        public MigPick[] Chosen { get; } = new MigPick[order.Length];

        public bool Place(int next, Span<GpuMig> gpus)
        {
            if (next == order.Length)
            {
                return true;
            }

            if (!HasRoom(next, gpus) || --_effort < 0)
            {
                return false;
            }

            var state = Describe(next, gpus);
            if (_dead.Contains(state))
            {
                return false;
            }

            var (profile, name) = order[next];
            var options = new List<Option>();
            for (var rest = node.Facts.MigMask; rest != 0; rest &= rest - 1)
            {
                var gpu = BitOperations.TrailingZeroCount(rest);
                if (!IsLikeEarlier(gpu, gpus))
                {
                    AddOptions(node, geometry, profile, gpu, gpus, options);
                }
            }

            options.Sort();
            foreach (var option in options)
            {
                var before = gpus[option.Gpu];
                gpus[option.Gpu] = before.With(geometry.Profiles[profile], option.Start);
                Chosen[next] = ToPick(node, geometry, name, profile, option);
                if (Place(next + 1, gpus))
                {
                    return true;
                }

                gpus[option.Gpu] = before;
            }

            _dead.Add(state);
            return false;
        }

        /// <summary>
        /// False when there are not enough free slices in all, not enough GPUs for those of which each has one, or not enough free
        /// places for the devices of some size: the places of one size are disjoint, so that counting them is enough.
        /// </summary>
        private bool HasRoom(int next, ReadOnlySpan<GpuMig> gpus)
        {
            Span<int> wanted = stackalloc int[geometry.MemorySlices + 1];
            Span<byte> starts = stackalloc byte[geometry.MemorySlices + 1];
            var slices = 0;
            var media = 0;
            for (var i = next; i < order.Length; i++)
            {
                var profile = geometry.Profiles[order[i].Profile];
                slices += profile.MemorySlices;
                media += profile.HasMediaExtensions ? 1 : 0;
                if (wanted[profile.MemorySlices]++ == 0 || order[i].Profile != order[i - 1].Profile)
                {
                    foreach (var start in profile.Starts)
                    {
                        starts[profile.MemorySlices] |= (byte)(1 << start);
                    }
                }
            }

            for (var rest = node.Facts.MigMask; rest != 0; rest &= rest - 1)
            {
                var (taken, hasMedia) = gpus[BitOperations.TrailingZeroCount(rest)];
                slices -= geometry.MemorySlices - BitOperations.PopCount(taken);
                media -= hasMedia || taken == geometry.FullMask ? 0 : 1;
                for (var size = 1; size < wanted.Length; size++)
                {
                    for (int at = starts[size]; at != 0 && wanted[size] > 0; at &= at - 1)
                    {
                        var place = ((1 << size) - 1) << BitOperations.TrailingZeroCount(at);
                        wanted[size] -= (taken & place) == 0 ? 1 : 0;
                    }
                }
            }

            return slices <= 0 && media <= 0 && wanted.IndexOfAnyExceptInRange(int.MinValue, 0) < 0;
        }

        private bool IsLikeEarlier(int gpu, ReadOnlySpan<GpuMig> gpus)
        {
            for (var rest = node.Facts.MigMask & ((1UL << gpu) - 1); rest != 0 && node.Facts.Gpus[gpu].Mig == MigMode.OnDemand; rest &= rest - 1)
            {
                var other = BitOperations.TrailingZeroCount(rest);
                if (node.Facts.Gpus[other].Mig == MigMode.OnDemand && gpus[other] == gpus[gpu])
                {
                    return true;
                }
            }

            return false;
        }

        /// <summary>A text that is equal for situations from which the same can be reached.</summary>
        private string Describe(int next, ReadOnlySpan<GpuMig> gpus)
        {
            Span<char> text = stackalloc char[gpus.Length + 1];
            text[0] = (char)next;
            var fixedOnes = 1;
            var onDemand = text.Length;
            for (var i = 0; i < gpus.Length; i++)
            {
                var at = node.Facts.Gpus[i].Mig == MigMode.OnDemand ? --onDemand : fixedOnes++;
                text[at] = (char)(gpus[i].Taken | (gpus[i].Media ? 256 : 0));
            }

            text[onDemand..].Sort();
            return new string(text);
        }
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
