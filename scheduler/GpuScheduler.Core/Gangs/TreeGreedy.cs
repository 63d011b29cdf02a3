using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Fills a domain from the largest part to the smallest, of which the last is the one that fits best. Uses the fewest domains on the
/// level just inside; further in it is only good. For gangs without segments.
/// </summary>
internal sealed class TreeGreedy
{
    private int[] _keys = new int[64];
    private int[] _children = new int[64];
    private int _top;

    /// <summary>Puts so many members into a domain that has room for them, fixed ones not counted.</summary>
    public void Fill(TreeReach reach, int level, int domain, int members, Span<int> addedByPlace)
    {
        _top = 0;
        FillDomain(reach, level, domain, members, addedByPlace);
    }

    private void FillDomain(TreeReach reach, int level, int domain, int members, Span<int> added)
    {
        if (members == 0)
        {
            return;
        }

        if (level == NetworkTopology.NodeLevel)
        {
            added[domain] = members;
            return;
        }

        var node = reach.Topology.Domains(level)[domain];
        var (first, count) = level == 1 ? (node.First, node.Count) : (node.FirstChild, node.Children);
        if (count == 1)
        {
            FillDomain(reach, level - 1, first, members, added);
            return;
        }

        var most = reach.Most(level - 1);
        var held = reach.FixedSum(level - 1);
        var at = Reserve(count);
        for (var i = 0; i < count; i++)
        {
            // Domains that hold fixed members are open already: they come first.
            var room = most[first + i] - held[first + i];
            _keys[at + i] = held[first + i] > 0 ? int.MinValue / 2 - room : -room;
            _children[at + i] = first + i;
        }

        Array.Sort(_keys, _children, at, count);
        for (var i = 0; i < count && members > 0; i++)
        {
            var child = _children[at + i];
            var room = most[child] - held[child];
            if (room >= members && held[child] == 0)
            {
                // The last one: of those that would do, the smallest.
                while (i + 1 < count && most[_children[at + i + 1]] - held[_children[at + i + 1]] >= members)
                {
                    i++;
                }

                child = _children[at + i];
                room = members;
            }

            var taken = Math.Min(Math.Max(room, 0), members);
            FillDomain(reach, level - 1, child, taken, added);
            members -= taken;
        }

        _top = at;
    }

    private int Reserve(int count)
    {
        var at = _top;
        _top += count;
        if (_top > _keys.Length)
        {
            Array.Resize(ref _keys, _top * 2);
            Array.Resize(ref _children, _top * 2);
        }

        return at;
    }
}
