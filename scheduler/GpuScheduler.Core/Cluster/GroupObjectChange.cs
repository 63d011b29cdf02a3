using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Core.Cluster;

/// <summary>A change of what is known of the objects that declare groups of pods: one was added or changed, is gone, or all of a kind are told.</summary>
public sealed record GroupObjectChange
{
    /// <summary>The object that was added or changed; null when it is another change.</summary>
    public GroupObject? Upserted { get; init; }

    /// <summary>The object that is gone; null when it is another change.</summary>
    public GroupObjectId? Deleted { get; init; }

    /// <summary>The kind of which all are told; null when it is another change.</summary>
    public string? Kind { get; init; }

    /// <summary>All objects of <see cref="Kind"/>; null when they cannot be seen.</summary>
    public IReadOnlyCollection<GroupObject>? All { get; init; }

    /// <summary>Makes the change.</summary>
    public void ApplyTo(ClusterState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (Upserted is { } item)
        {
            state.UpsertGroupObject(item);
        }
        else if (Deleted is { } id)
        {
            state.DeleteGroupObject(id);
        }
        else
        {
            state.ReplaceGroupObjects(Kind!, All);
        }
    }
}
