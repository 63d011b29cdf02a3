using System.Collections.Immutable;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>Room that is being made for a gang: who has to go, and where its members go then.</summary>
internal sealed class GangRoom(GangClaim claim, ImmutableArray<PodInfo> victims, string jobs, DateTimeOffset until)
{
    private readonly Dictionary<string, string> _nominations = new(StringComparer.Ordinal);

    /// <summary>The nodes, kept for the gang from everybody who comes after it.</summary>
    public GangClaim Claim => claim;

    /// <summary>All pods of the jobs that go.</summary>
    public ImmutableArray<PodInfo> Victims => victims;

    /// <summary>The jobs, in words.</summary>
    public string Jobs => jobs;

    /// <summary>When the nodes are no longer kept, whoever is still there.</summary>
    public DateTimeOffset Until => until;

    /// <summary>The node that each member was told, by UID.</summary>
    public IReadOnlyDictionary<string, string> Nominations => _nominations;

    /// <summary>The node that a member is told: the same each time.</summary>
    /// <param name="pod">The member.</param>
    /// <param name="isGood">True for nodes that it can be told.</param>
    /// <returns>Null when there is none left for it.</returns>
    public string? Nominate(PodInfo pod, Func<string, bool> isGood)
    {
        if (_nominations.TryGetValue(pod.Uid, out var told))
        {
            return isGood(told) ? told : null;
        }

        var shape = GangShapeKey.Of(pod);
        foreach (var (node, members) in claim.Members.OrderBy(m => m.Key, StringComparer.Ordinal))
        {
            var places = members.Count(m => GangShapeKey.Of(m) == shape);
            if (isGood(node) && _nominations.Count(n => n.Value == node) < places)
            {
                _nominations[pod.Uid] = node;
                return node;
            }
        }

        return null;
    }
}
