using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes;

/// <summary>Says on the API how gangs fare: events, and the status of group objects that are nobody else's.</summary>
public interface IGangAnnouncer
{
    /// <summary>Writes an event. The same notice within ten minutes is the same event, and written once.</summary>
    /// <param name="notice">What to say.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task SayAsync(GangNotice notice, CancellationToken cancellationToken);

    /// <summary>True for the kinds of objects whose status <see cref="SetStatusAsync"/> writes.</summary>
    bool HasStatus(string kind);

    /// <summary>Writes the status of a group object, as far as it says something new. Nothing happens when the object is gone.</summary>
    /// <param name="id">The object; of a kind for which <see cref="HasStatus"/> is true.</param>
    /// <param name="state">Where the gang stands.</param>
    /// <param name="bound">How many members are bound.</param>
    /// <param name="reason">Why it does not run; empty when there is nothing to say.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="KubernetesApiException">The API server refused or could not be reached.</exception>
    Task SetStatusAsync(GroupObjectId id, GangState state, int bound, string reason, CancellationToken cancellationToken);
}
