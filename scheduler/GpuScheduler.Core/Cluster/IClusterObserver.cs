namespace GpuScheduler.Core.Cluster;

/// <summary>
/// Hears of every change that comes from outside, in the order in which changes are made. Called under the lock of the cluster, before the
/// change: it must call nothing back.
/// </summary>
public interface IClusterObserver
{
    /// <summary>A change is about to be made.</summary>
    void Changing(ClusterChange change);

    /// <summary>Held while a change is made, and taken outside the lock of the cluster; null for nothing. Of several observers one may have it.</summary>
    Lock? Turns => null;

    /// <summary>Called when <see cref="Turns"/> has been taken for a change, and nothing of the change has been made.</summary>
    void Entered()
    {
    }

    /// <summary>What is known of the objects that declare groups of pods is about to change.</summary>
    void GroupsChanging(GroupObjectChange change)
    {
    }
}
