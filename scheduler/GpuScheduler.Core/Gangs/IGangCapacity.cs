namespace GpuScheduler.Core.Gangs;

/// <summary>
/// How many members of a gang each node can take. The roles are numbered as in the problem that this belongs to. Answers do not change
/// while a problem is solved, and come from any thread.
/// </summary>
public interface IGangCapacity
{
    /// <summary>Most members of a role that a node can take beside others.</summary>
    /// <param name="position">Position of the node.</param>
    /// <param name="role">The role.</param>
    /// <param name="beside">Members by role that the node takes at the same time; empty for none.</param>
    int Room(int position, int role, ReadOnlySpan<int> beside);

    /// <summary>
    /// What members spoil on a node for others: 0 for nothing, in quarters of a GPU. Among placements that are equally compact the one
    /// with the least sum is taken.
    /// </summary>
    /// <param name="position">Position of the node.</param>
    /// <param name="members">Members by role that the node takes; there is room for them.</param>
    int Stranded(int position, ReadOnlySpan<int> members);

    /// <summary><see cref="Room"/> of every position beside nobody.</summary>
    void Rooms(int role, Span<int> rooms)
    {
        for (var position = 0; position < rooms.Length; position++)
        {
            rooms[position] = Room(position, role, []);
        }
    }
}
