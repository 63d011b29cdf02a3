using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Plugins;

namespace GpuScheduler.Core.Gangs;

/// <summary>What nodes can take when GPUs are taken whole and any will do: by counting.</summary>
public sealed class WholeGpuCapacity : IGangCapacity
{
    /// <summary>C(f) in quarters, for every number of GPUs that a node can have.</summary>
    private static readonly int[] s_offers = [.. Enumerable.Range(0, InterconnectMatrix.MostGpus + 1).Select(free => (int)(4 * Spoilage.Offer(free)))];

    private readonly int[] _gpus;
    private readonly long[]? _cpuMilli;
    private readonly long[]? _memoryBytes;

    /// <summary>Counts what is free.</summary>
    /// <param name="demands">What a member takes, by role.</param>
    /// <param name="gpus">Free GPUs, by position; 0 at a free position.</param>
    /// <param name="cpuMilli">Free milli-CPU, by position; null when CPU does not bind.</param>
    /// <param name="memoryBytes">Free memory, by position; null when memory does not bind.</param>
    public WholeGpuCapacity(ImmutableArray<WholeGpuDemand> demands, int[] gpus, long[]? cpuMilli = null, long[]? memoryBytes = null)
    {
        ArgumentNullException.ThrowIfNull(gpus);
        Demands = demands;
        _gpus = gpus;
        _cpuMilli = cpuMilli;
        _memoryBytes = memoryBytes;
    }

    /// <summary>Most members of one role that are ever said to fit on a node: more than a kubelet runs.</summary>
    public const int MostMembers = 1 << 12;

    /// <summary>What a member takes, by role.</summary>
    public ImmutableArray<WholeGpuDemand> Demands { get; }

    /// <summary>Free GPUs, by position.</summary>
    public ReadOnlySpan<int> Gpus => _gpus;

    /// <summary>Free milli-CPU, by position; empty when CPU does not bind.</summary>
    public ReadOnlySpan<long> CpuMilli => _cpuMilli;

    /// <summary>Free memory in bytes, by position; empty when memory does not bind.</summary>
    public ReadOnlySpan<long> MemoryBytes => _memoryBytes;

    /// <inheritdoc/>
    public int Room(int position, int role, ReadOnlySpan<int> beside)
    {
        var demand = Demands[role];
        if (demand.Allowed is { } allowed && !allowed[position])
        {
            return 0;
        }

        var gpus = (long)_gpus[position];
        var cpu = _cpuMilli is null ? long.MaxValue : _cpuMilli[position];
        var memory = _memoryBytes is null ? long.MaxValue : _memoryBytes[position];
        for (var r = 0; r < beside.Length; r++)
        {
            gpus -= (long)beside[r] * Demands[r].Gpus;
            cpu -= beside[r] * Demands[r].CpuMilli;
            memory -= beside[r] * Demands[r].MemoryBytes;
        }

        return (int)Math.Max(0, Math.Min(Math.Min(Times(gpus, demand.Gpus), Times(cpu, demand.CpuMilli)), Times(memory, demand.MemoryBytes)));
    }

    /// <summary>
    /// With C(f) = the GPUs that f free ones offer to requests of 1, 2, 4 and 8 on average: C(f) − C(f−r) − C(r) for r GPUs taken of f.
    /// </summary>
    public int Stranded(int position, ReadOnlySpan<int> members)
    {
        var taken = 0;
        for (var role = 0; role < members.Length; role++)
        {
            taken += members[role] * Demands[role].Gpus;
        }

        var free = _gpus[position];
        return (uint)free < (uint)s_offers.Length && taken <= free
            ? s_offers[free] - s_offers[free - taken] - s_offers[taken]
            : 0;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Rooms(int role, Span<int> rooms)
    {
        var demand = Demands[role];
        if (demand.Allowed is null && _cpuMilli is null && _memoryBytes is null && demand.Gpus > 0)
        {
            Span<int> times = stackalloc int[InterconnectMatrix.MostGpus + 1];
            for (var free = 0; free < times.Length; free++)
            {
                times[free] = free / demand.Gpus;
            }

            for (var i = 0; i < rooms.Length; i++)
            {
                var free = Math.Max(_gpus[i], 0);
                rooms[i] = free < times.Length ? times[free] : free / demand.Gpus;
            }

            return;
        }

        for (var i = 0; i < rooms.Length; i++)
        {
            rooms[i] = Room(i, role, []);
        }
    }

    private static long Times(long free, long each) => each > 0 ? Math.Min(free / each, MostMembers) : free < 0 ? 0 : MostMembers;
}
