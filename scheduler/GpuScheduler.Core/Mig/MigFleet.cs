using System.Collections.Immutable;
using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;

namespace GpuScheduler.Core.Mig;

/// <summary>
/// GPUs of one geometry in MIG mode on which devices are made on demand, as counts by what is taken: a pick looks at the states, of which
/// there are some hundred, and not at the GPUs. Not thread-safe.
/// </summary>
public sealed class MigFleet
{
    private readonly MigGeometry _geometry;
    private readonly MigValueTable _values;
    private readonly List<int>[] _byState;      // GPUs by state
    private readonly int[] _state;              // by GPU: taken slices, and bit 8 when a device with media extensions is there
    private readonly int[] _place;              // by GPU: index in its list

    /// <summary>GPUs with these slices taken.</summary>
    /// <param name="geometry">Their profiles.</param>
    /// <param name="taken">Slices taken on each GPU, as bits.</param>
    /// <param name="values">What a GPU is worth by what is taken; null for the table of a uniform mix.</param>
    public MigFleet(MigGeometry geometry, IReadOnlyList<byte> taken, MigValueTable? values = null)
    {
        ArgumentNullException.ThrowIfNull(geometry);
        ArgumentNullException.ThrowIfNull(taken);
        _geometry = geometry;
        _values = values ?? MigValueTable.For(geometry);
        _byState = new List<int>[512];
        _state = new int[taken.Count];
        _place = new int[taken.Count];
        for (var gpu = 0; gpu < taken.Count; gpu++)
        {
            Enter(gpu, taken[gpu]);
        }
    }

    /// <summary>Slices taken on a GPU.</summary>
    public byte TakenOn(int gpu) => (byte)_state[gpu];

    /// <summary>How many GPUs have the same slices taken, by those slices.</summary>
    public IReadOnlyDictionary<byte, int> Count() => _state.GroupBy(s => (byte)s).ToDictionary(g => g.Key, g => g.Count());

    /// <summary>Makes a device where the choice says. False when no GPU has a place for it.</summary>
    public bool TryPlace(int profile, MigChoice choice, out int gpu, out int start)
    {
        var kind = _geometry.Profiles[profile];
        var best = (Key: 0.0, Used: 0, Gpu: -1, Start: -1);
        for (var state = 0; state < _byState.Length; state++)
        {
            if (_byState[state] is not { Count: > 0 } gpus || (kind.HasMediaExtensions && state >= 256))
            {
                continue;
            }

            var at = choice == MigChoice.ValueTable ? _values.BestStart(profile, (byte)state) : FirstStart(kind, (byte)state);
            if (at < 0)
            {
                continue;
            }

            var used = BitOperations.PopCount((uint)(state & 255));
            var first = choice == MigChoice.FirstFit ? gpus.Min() : gpus[^1];
            var key = choice switch
            {
                MigChoice.FirstFit => first,
                MigChoice.BestFit => -used,
                _ => _values.Loss((byte)state, (byte)(state | kind.MaskAt(at))),
            };
            if (best.Gpu < 0 || key < best.Key || (key == best.Key && used > best.Used))
            {
                best = (key, used, first, at);
            }
        }

        (gpu, start) = (best.Gpu, best.Start);
        if (gpu < 0)
        {
            return false;
        }

        Move(gpu, _state[gpu] | kind.MaskAt(start) | (kind.HasMediaExtensions ? 256 : 0));
        return true;
    }

    /// <summary>A device is gone.</summary>
    public void Free(int gpu, int profile, int start)
    {
        var kind = _geometry.Profiles[profile];
        Move(gpu, _state[gpu] & ~kind.MaskAt(start) & ~(kind.HasMediaExtensions ? 256 : 0));
    }

    private static int FirstStart(MigProfile profile, byte taken)
    {
        foreach (var start in profile.Starts)
        {
            if ((taken & profile.MaskAt(start)) == 0)
            {
                return start;
            }
        }

        return -1;
    }

    private void Enter(int gpu, int state)
    {
        var list = _byState[state] ??= [];
        (_state[gpu], _place[gpu]) = (state, list.Count);
        list.Add(gpu);
    }

    private void Move(int gpu, int state)
    {
        var list = _byState[_state[gpu]];
        var last = list[^1];
        list[_place[gpu]] = last;
        _place[last] = _place[gpu];
        list.RemoveAt(list.Count - 1);
        Enter(gpu, state);
    }
}
