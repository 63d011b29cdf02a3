using System.Collections.Immutable;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Batch;

/// <summary>What is left on the nodes while the gangs of a batch are placed one after the other.</summary>
internal sealed class BatchLedger
{
    private readonly GangBatch _batch;
    private readonly int[] _firstRole;
    private readonly WholeGpuCapacity? _whole;
    private readonly int[] _gpus;
    private readonly long[]? _cpuMilli;
    private readonly long[]? _memoryBytes;
    private readonly Dictionary<int, int[]> _taken = []; // by position: members by role of the batch; only where counting will not do

    public BatchLedger(GangBatch batch)
    {
        _batch = batch;
        _firstRole = new int[batch.Gangs.Length + 1];
        for (var gang = 0; gang < batch.Gangs.Length; gang++)
        {
            _firstRole[gang + 1] = _firstRole[gang] + batch.Gangs[gang].Roles.Length;
        }

        _whole = batch.Capacity as WholeGpuCapacity;
        _gpus = _whole is null ? [] : [.. _whole.Gpus];
        _cpuMilli = _whole is null || _whole.CpuMilli.IsEmpty ? null : [.. _whole.CpuMilli];
        _memoryBytes = _whole is null || _whole.MemoryBytes.IsEmpty ? null : [.. _whole.MemoryBytes];
    }

    /// <summary>A gang as a problem of its own, on what is left.</summary>
    /// <param name="gang">Which.</param>
    /// <param name="elastic">False for just what it needs.</param>
    /// <param name="objective">What the best placement is.</param>
    public GangProblem ProblemOf(int gang, bool elastic, GangObjective objective)
    {
        var wanted = _batch.Gangs[gang];
        return new GangProblem
        {
            Topology = _batch.Topology,
            Capacity = View(gang),
            Roles = elastic ? wanted.Roles : Needed(wanted),
            RequiredLevel = wanted.RequiredLevel,
            PreferredLevel = wanted.PreferredLevel,
            Objective = objective,
        };
    }

    /// <summary>The roles with their least numbers of members, by which a gang is admitted; with their greatest where nothing is needed.</summary>
    public static ImmutableArray<GangRole> Needed(BatchGang gang) => gang.Roles.All(r => r.Min == 0)
        ? [.. gang.Roles.Select(r => r with { Min = r.Max })]
        : [.. gang.Roles.Select(r => r with { Max = Rounded(r) })];

    /// <summary>Takes what a plan uses, or gives it back.</summary>
    public void Take(int gang, ImmutableArray<GangSlot> slots, int sign = 1)
    {
        foreach (var slot in slots)
        {
            var role = _firstRole[gang] + slot.Role;
            var members = sign * slot.Members;
            if (_whole is null)
            {
                if (!_taken.TryGetValue(slot.Position, out var taken))
                {
                    _taken[slot.Position] = taken = new int[_firstRole[^1]];
                }

                taken[role] += members;
                continue;
            }

            var demand = _whole.Demands[role];
            _gpus[slot.Position] -= members * demand.Gpus;
            if (_cpuMilli is not null)
            {
                _cpuMilli[slot.Position] -= members * demand.CpuMilli;
            }

            if (_memoryBytes is not null)
            {
                _memoryBytes[slot.Position] -= members * demand.MemoryBytes;
            }
        }
    }

    /// <summary>The least size that whole segments allow.</summary>
    private static int Rounded(GangRole role)
    {
        if (role.Segment is not { Members: > 1 } segment)
        {
            return role.Min;
        }

        var rest = role.Max % segment.Members;
        return role.Min <= rest ? rest : rest + ((role.Min - rest + segment.Members - 1) / segment.Members * segment.Members);
    }

    private IGangCapacity View(int gang)
    {
        var roles = _batch.Gangs[gang].Roles.Length;
        return _whole is not null
            ? new WholeGpuCapacity(_whole.Demands.Slice(_firstRole[gang], roles), _gpus, _cpuMilli, _memoryBytes)
            : new Remaining(this, _firstRole[gang], roles);
    }

    /// <summary>One gang's view of the capacity of the batch beside what others take.</summary>
    private sealed class Remaining(BatchLedger ledger, int first, int roles) : IGangCapacity
    {
        public int Room(int position, int role, ReadOnlySpan<int> beside)
        {
            var capacity = ledger._batch.Capacity;
            if (!ledger._taken.TryGetValue(position, out var taken) && !beside.ContainsAnyExcept(0))
            {
                return capacity.Room(position, first + role, []);
            }

            return capacity.Room(position, first + role, With(taken, beside));
        }

        public int Stranded(int position, ReadOnlySpan<int> members)
        {
            ledger._taken.TryGetValue(position, out var taken);
            return taken is null
                ? ledger._batch.Capacity.Stranded(position, With(null, members))
                : ledger._batch.Capacity.Stranded(position, With(taken, members)) - ledger._batch.Capacity.Stranded(position, taken);
        }

        private int[] With(int[]? taken, ReadOnlySpan<int> members)
        {
            var all = taken is null ? new int[ledger._firstRole[^1]] : [.. taken];
            for (var role = 0; role < Math.Min(roles, members.Length); role++)
            {
                all[first + role] += members[role];
            }

            return all;
        }
    }
}
