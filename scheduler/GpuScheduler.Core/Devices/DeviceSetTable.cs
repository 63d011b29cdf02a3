using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Devices;

/// <summary>
/// The best k of the free GPUs of a node, for every free mask, exactly. One table per interconnect, shared by all nodes that
/// are wired alike.
/// </summary>
/// <remarks>
/// A set's quality is (1) the sum over its pairs of NVLink bandwidth, then (2) the sum over its pairs of PCIe closeness
/// (50 less the NVML level), compared in that order. The remainder value of a mask is the sum, over all sizes j, of the quality of
/// the best set of size j in it: what it still offers to later requests. The pick is:
/// <list type="bullet">
/// <item>unspecified, preferred: best quality, then largest remainder value of what is left;</item>
/// <item>required: the same among the sets in which NVLinks connect every GPU with every other, directly or through the set;</item>
/// <item>none: largest remainder value, then best quality.</item>
/// </list>
/// GPUs that can be exchanged without changing the matrix (twins) form a class, and only how many are free in each class matters:
/// behind an NVSwitch 16 GPUs have two classes and 81 states instead of 65,536 masks. Among equal sets, and within a class, the
/// lowest numbers are taken, so that the answer is always the same.
/// </remarks>
public sealed class DeviceSetTable
{
    // Three rankings: unspecified and preferred pick alike.
    private const int ByQuality = 0;
    private const int Connected = 1;
    private const int ByRemainder = 2;
    private const int Rankings = 3;

    /// <summary>Above this many states (an irregular machine with more than 16 GPUs, of which none is known) links are not told apart.</summary>
    private const int MostStates = 1 << 16;

    /// <summary>Up to this many states everything is computed at once; above, on first use.</summary>
    private const int EagerStates = 1 << 10;

    // A quality is one long: NVLink MB/s in the upper bits, PCIe closeness (at most 2016 pairs x 50) in the lower 20.
    private const int PcieBits = 20;

    /// <summary>Every wiring that a cluster has, and many more.</summary>
    private const int MostTables = 4096;

    private static readonly BoundedMemo<InterconnectMatrix, DeviceSetTable> s_tables = new(static l => new DeviceSetTable(l), MostTables);

    private readonly InterconnectMatrix _links;
    private readonly ulong[] _classMask;
    private readonly int[] _classSize;
    private readonly int[] _radix;
    private readonly ushort[]? _stateOfMask;
    private readonly int _states;
    private readonly int _sizes;
    private readonly long[] _quality;      // by state: of all GPUs of the state together
    private readonly bool[] _connected;    // by state: NVLinks connect them all
    private readonly long[] _bestOf;       // by state and size: the best quality of so many of them
    private readonly long[] _remainder;    // by state
    private readonly int[] _picks;         // by ranking, state and size: state of the pick + 2; 1 for none; 0 for not computed yet

    private DeviceSetTable(InterconnectMatrix links)
    {
        _links = links;
        _sizes = links.GpuCount + 1;
        var classes = Twins(links);
        if (StateCount(classes) > MostStates)
        {
            _links = InterconnectMatrix.Unlinked(links.GpuCount);
            classes = Twins(_links);
        }

        _classSize = [.. classes.Select(c => c.Count)];
        _classMask = [.. classes.Select(c => c.Aggregate(0UL, (mask, gpu) => mask | (1UL << gpu)))];
        _radix = new int[classes.Count];
        _states = 1;
        for (var c = 0; c < classes.Count; c++)
        {
            _radix[c] = _states;
            _states *= _classSize[c] + 1;
        }

        if (links.GpuCount <= 16)
        {
            _stateOfMask = new ushort[1 << links.GpuCount];
            for (var mask = 0; mask < _stateOfMask.Length; mask++)
            {
                _stateOfMask[mask] = (ushort)CountState((ulong)mask);
            }
        }

        _quality = new long[_states];
        _connected = new bool[_states];
        _bestOf = new long[_states * _sizes];
        _remainder = new long[_states];
        _picks = new int[Rankings * _states * _sizes];
        FillQualities();
        FillBest();
        if (_states <= EagerStates)
        {
            for (var state = 0; state < _states; state++)
            {
                for (var k = 1; k < _sizes; k++)
                {
                    for (var ranking = 0; ranking < Rankings; ranking++)
                    {
                        Pick(ranking, state, k);
                    }
                }
            }
        }
    }

    /// <summary>The table of an interconnect, built on first use.</summary>
    public static DeviceSetTable For(InterconnectMatrix links)
    {
        ArgumentNullException.ThrowIfNull(links);
        return s_tables[links];
    }

    /// <summary>Number of GPUs of the node.</summary>
    public int GpuCount => _links.GpuCount;

    /// <summary>
    /// Finds the best <paramref name="count"/> GPUs among those that are free.
    /// </summary>
    /// <param name="free">Free GPUs as bits.</param>
    /// <param name="count">How many are wanted, at least 1.</param>
    /// <param name="nvlink">What is asked of the links.</param>
    /// <param name="set">The set, when there is one.</param>
    /// <returns>False when too few are free, or when links are required and no connected set of this size is free.</returns>
    public bool TryPick(ulong free, int count, NvlinkRequirement nvlink, out DeviceSet set)
    {
        set = default;
        if (count <= 0 || count >= _sizes)
        {
            return false;
        }

        var ranking = nvlink switch
        {
            NvlinkRequirement.Required => Connected,
            NvlinkRequirement.None => ByRemainder,
            _ => ByQuality,
        };
        var state = StateOf(free);
        var pick = Pick(ranking, state, count);
        if (pick < 0)
        {
            return false;
        }

        set = new DeviceSet(MaskOf(pick, free), (int)(_quality[pick] >> PcieBits), (int)(_quality[pick] & ((1 << PcieBits) - 1)), _remainder[state - pick]);
        return true;
    }

    /// <summary>The NVLink bandwidth, summed over pairs in MB/s, of the best set of a size among all GPUs of the node.</summary>
    public int BestNvlinkMBps(int count) =>
        count <= 0 || count >= _sizes ? 0 : (int)(_bestOf[((_states - 1) * _sizes) + count] >> PcieBits);

    /// <summary>What the free GPUs still offer to later requests; see the remarks of the class.</summary>
    public long RemainderValue(ulong free) => _remainder[StateOf(free)];

    private int StateOf(ulong mask) => _stateOfMask is { } table ? table[mask] : CountState(mask);

    private int CountState(ulong mask)
    {
        var state = 0;
        for (var c = 0; c < _classMask.Length; c++)
        {
            state += _radix[c] * BitOperations.PopCount(mask & _classMask[c]);
        }

        return state;
    }

    private ulong MaskOf(int state, ulong free)
    {
        var mask = 0UL;
        for (var c = _classMask.Length - 1; c >= 0; c--)
        {
            var take = state / _radix[c];
            state %= _radix[c];
            var candidates = free & _classMask[c];
            for (; take > 0; take--)
            {
                mask |= candidates & (~candidates + 1);
                candidates &= candidates - 1;
            }
        }

        return mask;
    }

    private int SizeOf(int state)
    {
        var size = 0;
        for (var c = _radix.Length - 1; c >= 0; c--)
        {
            size += state / _radix[c];
            state %= _radix[c];
        }

        return size;
    }

    private void FillQualities()
    {
        var gpus = new int[_links.GpuCount];
        for (var state = 0; state < _states; state++)
        {
            var mask = MaskOf(state, ulong.MaxValue);
            var n = 0;
            for (var rest = mask; rest != 0; rest &= rest - 1)
            {
                gpus[n++] = BitOperations.TrailingZeroCount(rest);
            }

            long quality = 0;
            for (var a = 0; a < n; a++)
            {
                for (var b = a + 1; b < n; b++)
                {
                    quality += ((long)_links.NvlinkMBps(gpus[a], gpus[b]) << PcieBits) + (int)PcieLevel.System - (int)_links.Pcie(gpus[a], gpus[b]);
                }
            }

            _quality[state] = quality;
            _connected[state] = IsConnected(mask);
        }
    }

    private bool IsConnected(ulong mask)
    {
        if (mask == 0)
        {
            return false;
        }

        var reached = mask & (~mask + 1);
        var frontier = reached;
        while (frontier != 0)
        {
            var gpu = BitOperations.TrailingZeroCount(frontier);
            frontier &= frontier - 1;
            for (var rest = mask & ~reached; rest != 0; rest &= rest - 1)
            {
                var other = BitOperations.TrailingZeroCount(rest);
                if (_links.NvlinkMBps(gpu, other) > 0)
                {
                    reached |= 1UL << other;
                    frontier |= 1UL << other;
                }
            }
        }

        return reached == mask;
    }

    /// <summary>best(state, k) is the state itself for k = its size, else the best over the states with one GPU less.</summary>
    private void FillBest()
    {
        for (var state = 0; state < _states; state++)
        {
            var size = SizeOf(state);
            var row = state * _sizes;
            _bestOf[row + size] = _quality[state];
            var rest = state;
            for (var c = _radix.Length - 1; c >= 0; c--)
            {
                if (rest / _radix[c] > 0)
                {
                    var smaller = (state - _radix[c]) * _sizes;
                    for (var k = 1; k < size; k++)
                    {
                        _bestOf[row + k] = Math.Max(_bestOf[row + k], _bestOf[smaller + k]);
                    }
                }

                rest %= _radix[c];
            }

            for (var k = 1; k <= size; k++)
            {
                _remainder[state] += _bestOf[row + k];
            }
        }
    }

    private int Pick(int ranking, int state, int count)
    {
        ref var known = ref _picks[(((ranking * _states) + state) * _sizes) + count];
        if (known == 0)
        {
            known = Search(ranking, state, count) + 2;
        }

        return known - 2;
    }

    private int Search(int ranking, int state, int count)
    {
        var size = SizeOf(state);
        if (size < count)
        {
            return -1;
        }

        Span<int> available = stackalloc int[_radix.Length];
        var rest = state;
        for (var c = _radix.Length - 1; c >= 0; c--)
        {
            available[c] = rest / _radix[c];
            rest %= _radix[c];
        }

        var best = new Candidate(-1, 0, 0);
        Visit(ranking, state, available, 0, count, 0, ref best);
        return best.State;
    }

    /// <summary>All ways to take <paramref name="left"/> more from the classes on, the fullest use of the first classes first.</summary>
    private void Visit(int ranking, int whole, ReadOnlySpan<int> available, int from, int left, int taken, ref Candidate best)
    {
        if (left == 0)
        {
            if (ranking == Connected && !_connected[taken])
            {
                return;
            }

            var quality = _quality[taken];
            var remainder = _remainder[whole - taken];
            var (first, second) = ranking == ByRemainder ? (remainder, quality) : (quality, remainder);
            if (best.State < 0 || first > best.First || (first == best.First && second > best.Second))
            {
                best = new Candidate(taken, first, second);
            }

            return;
        }

        if (from == available.Length)
        {
            return;
        }

        for (var take = Math.Min(left, available[from]); take >= 0; take--)
        {
            Visit(ranking, whole, available, from + 1, left - take, taken + (take * _radix[from]), ref best);
        }
    }

    private static List<List<int>> Twins(InterconnectMatrix links)
    {
        var classes = new List<List<int>>();
        for (var gpu = 0; gpu < links.GpuCount; gpu++)
        {
            var mine = classes.Find(c => AreTwins(links, c[0], gpu));
            if (mine is null)
            {
                classes.Add([gpu]);
            }
            else
            {
                mine.Add(gpu);
            }
        }

        return classes;
    }

    private static bool AreTwins(InterconnectMatrix links, int a, int b)
    {
        for (var other = 0; other < links.GpuCount; other++)
        {
            if (other != a && other != b && (links.NvlinkMBps(a, other) != links.NvlinkMBps(b, other) || links.Pcie(a, other) != links.Pcie(b, other)))
            {
                return false;
            }
        }

        return true;
    }

    private static long StateCount(List<List<int>> classes) => classes.Aggregate(1L, (product, c) => Math.Min(product * (c.Count + 1), 1L << 40));

    private readonly record struct Candidate(int State, long First, long Second);
}
