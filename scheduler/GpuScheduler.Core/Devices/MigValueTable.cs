using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// What a GPU in MIG mode is still worth, by which of its memory slices are taken, and where each profile goes best.
/// </summary>
/// <remarks>
/// V(mask) is the expected number of memory slices that a random stream of profiles still gets from the GPU until the first one
/// that finds no place, each placed as well as can be:
/// V(m) = Σ_p q_p · [p fits m] · (slices_p + max over legal starts s of V(m ∪ [s, s + slices_p))).
/// The stream draws every profile without media extensions alike, or by a mix that was observed. So a mask on which 4g or 7g can still be placed is worth more
/// than another with as many free slices, and a placement costs V(before) − V(after): a dynamic program over 256 masks, exact.
/// </remarks>
public sealed class MigValueTable
{
    private static readonly ConditionalWeakTable<MigGeometry, MigValueTable> s_tables = new();

    private const double RoundingError = 1e-10;

    private readonly double[] _value;
    private readonly sbyte[] _start;   // by profile and mask: the best start, or -1
    private readonly int _masks;

    private MigValueTable(MigGeometry geometry, ReadOnlySpan<double> mix)
    {
        Geometry = geometry;
        _masks = geometry.FullMask + 1;
        _value = new double[_masks];
        _start = new sbyte[geometry.Profiles.Length * _masks];
        Span<double> share = stackalloc double[geometry.Profiles.Length];
        Shares(geometry, mix, share);
        for (var mask = _masks - 1; mask >= 0; mask--)
        {
            for (var p = 0; p < geometry.Profiles.Length; p++)
            {
                var profile = geometry.Profiles[p];
                var best = -1;
                foreach (var start in profile.Starts)
                {
                    var taken = profile.MaskAt(start);
                    if ((mask & taken) == 0 && (best < 0 || _value[mask | taken] > _value[mask | profile.MaskAt(best)] + RoundingError))
                    {
                        best = start;
                    }
                }

                _start[(p * _masks) + mask] = (sbyte)best;
                if (best >= 0 && share[p] > 0)
                {
                    _value[mask] += share[p] * (profile.MemorySlices + _value[mask | profile.MaskAt(best)]);
                }
            }
        }
    }

    /// <summary>The table of a geometry, built on first use.</summary>
    public static MigValueTable For(MigGeometry geometry)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        return s_tables.GetValue(geometry, static g => new MigValueTable(g, []));
    }

    /// <summary>A table for a stream of profiles as it was observed.</summary>
    /// <param name="geometry">The geometry.</param>
    /// <param name="mix">How often each profile is asked for, by index; only the ratios count. All 0, or empty, for all alike but those with media extensions.</param>
    public static MigValueTable For(MigGeometry geometry, ReadOnlySpan<double> mix)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        return new MigValueTable(geometry, mix);
    }

    /// <summary>The geometry.</summary>
    public MigGeometry Geometry { get; }

    /// <summary>What a GPU with these slices taken is still worth, in memory slices.</summary>
    public double ValueOf(byte taken) => _value[taken & Geometry.FullMask];

    /// <summary>The best start for a profile (by index in the geometry) on a GPU with these slices taken, or -1 when it does not fit.</summary>
    public int BestStart(int profile, byte taken) => _start[(profile * _masks) + (taken & Geometry.FullMask)];

    /// <summary>
    /// What placing a profile costs: V(before) − V(after), in memory slices, to nine places: equal losses must compare equal though
    /// they were summed up in another order.
    /// </summary>
    public double Loss(byte before, byte after) => Math.Round(ValueOf(before) - ValueOf(after), 9);

    private static void Shares(MigGeometry geometry, ReadOnlySpan<double> mix, Span<double> share)
    {
        var sum = 0.0;
        foreach (var some in mix)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(some, nameof(mix));
            sum += some;
        }

        var drawn = geometry.Profiles.Count(p => !p.HasMediaExtensions);
        for (var p = 0; p < share.Length; p++)
        {
            share[p] = sum > 0 ? (p < mix.Length ? mix[p] / sum : 0) : geometry.Profiles[p].HasMediaExtensions ? 0 : 1.0 / drawn;
        }
    }
}
