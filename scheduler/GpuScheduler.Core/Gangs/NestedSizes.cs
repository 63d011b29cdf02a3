namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Whole GPUs in sizes of which each divides the next larger one. Members of such sizes fit a set of nodes exactly when for every size
/// s the GPUs of the members of at least s are no more than C(s), the sum over the nodes of ⌊free/s⌋·s: put the largest first, on any
/// node that has as much; each lowers ⌊free/s⌋ by just what it is.
/// </summary>
internal sealed class NestedSizes
{
    private readonly WholeGpuCapacity _capacity;
    private readonly bool[]? _allowed;

    private NestedSizes(WholeGpuCapacity capacity, bool[]? allowed, int[] sizes)
    {
        _capacity = capacity;
        _allowed = allowed;
        Sizes = sizes;
    }

    /// <summary>The sizes, ascending.</summary>
    public IReadOnlyList<int> Sizes { get; }

    /// <summary>The sizes of some roles; null where counting GPUs is not the whole truth.</summary>
    /// <param name="capacity">What the nodes can take.</param>
    /// <param name="roles">The roles.</param>
    public static NestedSizes? Of(IGangCapacity capacity, IReadOnlyCollection<int> roles)
    {
        if (capacity is not WholeGpuCapacity whole)
        {
            return null;
        }

        var sizes = roles.Select(r => whole.Demands[r].Gpus).Distinct().Order().ToArray();
        if (!AreNested(sizes))
        {
            return null;
        }

        var allowed = whole.Demands[roles.First()].Allowed;
        if (roles.Any(r => whole.Demands[r].Allowed != allowed) || !CpuAndMemorySuffice(whole, roles))
        {
            return null;
        }

        return new NestedSizes(whole, allowed, sizes);
    }

    /// <summary>True for sizes, ascending, of which each divides the next.</summary>
    public static bool AreNested(ReadOnlySpan<int> sizes)
    {
        for (var i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] < 1 || (i > 0 && sizes[i] % sizes[i - 1] != 0))
            {
                return false;
            }
        }

        return !sizes.IsEmpty;
    }

    /// <summary>Free GPUs of a node; 0 where the members may not go.</summary>
    public int Free(int position) => _allowed is not null && !_allowed[position] ? 0 : Math.Max(0, _capacity.Gpus[position]);

    /// <summary>What a node contributes to C(s).</summary>
    public int Offer(int position, int size) => Free(position) / size * size;

    /// <summary>True when GPUs run out before CPU and memory on every node, whatever the mix.</summary>
    public static bool CpuAndMemorySuffice(WholeGpuCapacity whole, IReadOnlyCollection<int> roles)
    {
        for (var position = 0; position < whole.Gpus.Length; position++)
        {
            foreach (var role in roles)
            {
                // The role that needs most for each GPU, on all free GPUs.
                var demand = whole.Demands[role];
                var gpus = Math.Max(0, whole.Gpus[position]);
                if ((!whole.CpuMilli.IsEmpty && whole.CpuMilli[position] < Scaled(demand.CpuMilli, gpus, demand.Gpus))
                    || (!whole.MemoryBytes.IsEmpty && whole.MemoryBytes[position] < Scaled(demand.MemoryBytes, gpus, demand.Gpus)))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static Int128 Scaled(long each, int gpus, int gpusEach) => ((Int128)each * gpus) / gpusEach;
}
