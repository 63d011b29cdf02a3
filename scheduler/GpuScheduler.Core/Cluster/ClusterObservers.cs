using System.Collections.Immutable;

namespace GpuScheduler.Core.Cluster;

/// <summary>Several observers as one: each hears of every change, in their order.</summary>
public sealed class ClusterObservers : IClusterObserver
{
    private readonly ImmutableArray<IClusterObserver> _observers;

    private ClusterObservers(ImmutableArray<IClusterObserver> observers) => _observers = observers;

    /// <summary>One for all; null for none, so that changes are not put into words for nobody.</summary>
    public static IClusterObserver? Of(IEnumerable<IClusterObserver> observers)
    {
        ImmutableArray<IClusterObserver> all = [.. observers];
        return all.Length switch { 0 => null, 1 => all[0], _ => new ClusterObservers(all) };
    }

    /// <inheritdoc/>
    public Lock? Turns => _observers.Select(o => o.Turns).SingleOrDefault(t => t is not null);

    /// <inheritdoc/>
    public void Entered()
    {
        foreach (var observer in _observers)
        {
            observer.Entered();
        }
    }

    /// <inheritdoc/>
    public void Changing(ClusterChange change)
    {
        foreach (var observer in _observers)
        {
            observer.Changing(change);
        }
    }

    /// <inheritdoc/>
    public void GroupsChanging(GroupObjectChange change)
    {
        foreach (var observer in _observers)
        {
            observer.GroupsChanging(change);
        }
    }
}
