using System.Numerics;

namespace GpuScheduler.Testing;

/// <summary>
/// The best sets of GPUs by plain enumeration of all subsets, from the definition alone: quality is (NVLink MB/s, PCIe closeness)
/// summed over pairs; the remainder value of a mask is the sum over sizes of the best quality of that size in it.
/// </summary>
public sealed class DeviceSetOracle
{
    // NVLink and closeness as one number that compares in that order: closeness sums stay far below a million for 16 GPUs.
    private const long Nvlink = 1_000_000;

    private readonly int _gpus;
    private readonly long[] _quality;
    private readonly bool[] _connected;
    private readonly long[] _remainder;

    /// <summary>Enumerates everything.</summary>
    /// <param name="gpus">Number of GPUs, at most 16.</param>
    /// <param name="mbps">NVLink MB/s of a pair.</param>
    /// <param name="closeness">PCIe closeness of a pair: 50 less the NVML level.</param>
    public DeviceSetOracle(int gpus, Func<int, int, int> mbps, Func<int, int, int> closeness)
    {
        ArgumentNullException.ThrowIfNull(mbps);
        ArgumentNullException.ThrowIfNull(closeness);
        _gpus = gpus;
        var masks = 1 << gpus;
        _quality = new long[masks];
        _connected = new bool[masks];
        _remainder = new long[masks];
        for (var mask = 0; mask < masks; mask++)
        {
            var members = Members(mask);
            for (var i = 0; i < members.Count; i++)
            {
                for (var j = i + 1; j < members.Count; j++)
                {
                    _quality[mask] += (mbps(members[i], members[j]) * Nvlink) + closeness(members[i], members[j]);
                }
            }

            _connected[mask] = Connected(members, (a, b) => mbps(a, b) > 0);
        }

        Span<long> best = stackalloc long[gpus + 1];
        for (var mask = 1; mask < masks; mask++)
        {
            best.Fill(-1);
            for (var sub = mask; sub != 0; sub = (sub - 1) & mask)
            {
                ref var known = ref best[BitOperations.PopCount((uint)sub)];
                known = Math.Max(known, _quality[sub]);
            }

            for (var size = 1; size <= BitOperations.PopCount((uint)mask); size++)
            {
                _remainder[mask] += best[size];
            }
        }
    }

    /// <summary>Quality of a set.</summary>
    public long Quality(int mask) => _quality[mask];

    /// <summary>NVLink MB/s and PCIe closeness of a set.</summary>
    public (long Mbps, long Closeness) Parts(int mask) => (_quality[mask] / Nvlink, _quality[mask] % Nvlink);

    /// <summary>Remainder value of a mask.</summary>
    public long Remainder(int mask) => _remainder[mask];

    /// <summary>True when NVLinks connect all of the set.</summary>
    public bool IsConnected(int mask) => _connected[mask];

    /// <summary>
    /// The best objective of each size among the subsets of a mask; null where there is no set.
    /// </summary>
    /// <param name="free">The mask.</param>
    /// <param name="connectedOnly">Only sets that NVLinks connect.</param>
    /// <param name="remainderFirst">Remainder value before quality.</param>
    public (long First, long Second)?[] Best(int free, bool connectedOnly, bool remainderFirst)
    {
        var best = new (long First, long Second)?[_gpus + 1];
        for (var sub = free; sub != 0; sub = (sub - 1) & free)
        {
            if (connectedOnly && !_connected[sub])
            {
                continue;
            }

            ref var known = ref best[BitOperations.PopCount((uint)sub)];
            var objective = Objective(free, sub, remainderFirst);
            if (known is not { } k || objective.CompareTo(k) > 0)
            {
                known = objective;
            }
        }

        return best;
    }

    /// <summary>The objective of a set.</summary>
    public (long First, long Second) Objective(int free, int set, bool remainderFirst) =>
        remainderFirst ? (_remainder[free & ~set], _quality[set]) : (_quality[set], _remainder[free & ~set]);

    private List<int> Members(int mask)
    {
        var members = new List<int>(_gpus);
        for (var i = 0; i < _gpus; i++)
        {
            if ((mask >> i & 1) == 1)
            {
                members.Add(i);
            }
        }

        return members;
    }

    /// <summary>Merges groups pair by pair until nothing moves.</summary>
    private static bool Connected(List<int> members, Func<int, int, bool> linked)
    {
        var group = members.ToArray();
        foreach (var a in members)
        {
            foreach (var b in members)
            {
                if (a != b && linked(a, b))
                {
                    var (from, to) = (group[members.IndexOf(a)], group[members.IndexOf(b)]);
                    for (var i = 0; i < group.Length; i++)
                    {
                        group[i] = group[i] == from ? to : group[i];
                    }
                }
            }
        }

        return group.Length > 0 && Array.TrueForAll(group, g => g == group[0]);
    }
}
