using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Core.Gangs;

/// <summary>What is kept from somebody: the claims of those who come before. Immutable.</summary>
internal sealed class KeptNodes(ImmutableArray<GangClaim> claims, Deciders deciders)
{

    public ImmutableArray<GangClaim> Claims => claims;

    /// <summary>What is kept from a single pod; null when nothing is.</summary>
    public KeptNodes? From(PodInfo single) => Those(c => c.Binds(single));

    /// <summary>What is kept from a gang; null when nothing is.</summary>
    public KeptNodes? From(GangKey gang, GangRank rank, bool hasPlaces) => Those(c => c.Binds(gang, rank, hasPlaces));

    /// <summary>What is kept for others than these; null when nothing is.</summary>
    public KeptNodes? Beside(Func<GangKey, bool> those) => Those(c => !those(c.Gang));

    /// <summary>True for a node of which some is kept.</summary>
    public bool Holds(string node)
    {
        foreach (var claim in claims)
        {
            if (claim.Members.ContainsKey(node))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Why a pod may not go to a node that would do for it; null when it may.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="node">The node, without what the pod itself holds.</param>
    public Status? Refuses(PodInfo pod, NodeInfo node)
    {
        foreach (var claim in claims)
        {
            if (claim.Members.TryGetValue(node.Facts.Name, out var members) && !Leaves(members, pod, node))
            {
                return claim.Refusal;
            }
        }

        return null;
    }

    /// <summary>The node as those see it from whom it is kept: null when nothing of it is left.</summary>
    public NodeInfo? Seen(NodeInfo node)
    {
        var seen = node;
        foreach (var claim in claims)
        {
            if (seen is not null && claim.Members.TryGetValue(node.Facts.Name, out var members))
            {
                seen = With(members, seen);
            }
        }

        return seen;
    }

    /// <summary>The node with all the members on it; null when they do not all fit.</summary>
    private NodeInfo? With(ImmutableArray<PodInfo> members, NodeInfo node)
    {
        foreach (var member in members)
        {
            var decider = deciders.For(member);
            if (decider.Judge(member)(node) is not null || !DeviceAllocator.TryPick(member, node, decider.Profile.CardOrder, out var pick, out _))
            {
                return null;
            }

            node = NodeInfo.Build(node.Facts, node.Allocations.Add(new Allocation(member, node.Facts.Name, pick.ToAssignment(member.Request, node), AllocationState.Planned)));
        }

        return node;
    }

    private bool Leaves(ImmutableArray<PodInfo> members, PodInfo pod, NodeInfo node)
    {
        if (!DeviceAllocator.TryPick(pod, node, deciders.For(pod).Profile.CardOrder, out var pick, out _))
        {
            return false;
        }

        // Tentative holds yield, and may be on the wrong node: they do not count.
        var allocation = new Allocation(pod, node.Facts.Name, pick.ToAssignment(pod.Request, node), AllocationState.Planned);
        return With(members, NodeInfo.Build(node.Facts, node.Firm.Allocations.Add(allocation))) is not null;
    }

    private KeptNodes? Those(Func<GangClaim, bool> binds)
    {
        if (claims.All(binds))
        {
            return this;
        }

        return claims.Any(binds) ? new KeptNodes([.. claims.Where(binds)], deciders) : null;
    }
}
