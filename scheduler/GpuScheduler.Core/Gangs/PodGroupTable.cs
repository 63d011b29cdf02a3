using System.Collections.Immutable;
using System.Runtime.InteropServices;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Which pods belong to which gang, and the groups that result. A group is resolved when it is asked for, and again only after one
/// of its members or its object has changed. Not thread-safe.
/// </summary>
internal sealed class PodGroupTable
{
    private readonly GroupObjectTable _objects = new();
    private readonly Dictionary<GangKey, Entry> _gangs = [];

    /// <summary>Grows with every change of a member or an object.</summary>
    public long Version { get; private set; }

    /// <summary>All gangs with members.</summary>
    public ImmutableArray<GangKey> Keys => [.. _gangs.Keys];

    /// <summary>Takes over the objects that another table has, in place of nothing.</summary>
    public void CopyObjectsFrom(PodGroupTable other)
    {
        _objects.CopyFrom(other._objects);
        Version++;
    }

    /// <summary>A pod was added or changed.</summary>
    /// <param name="before">As it was; null when it is new.</param>
    /// <param name="after">As it is; null when it is gone.</param>
    public void Change(PodInfo? before, PodInfo? after)
    {
        if (before?.Gang is { } old && (after?.Gang is null || after.Gang.Key != old.Key))
        {
            Remove(old.Key, before.Uid);
        }

        if (after?.Gang is { } gang)
        {
            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_gangs, gang.Key, out _);
            entry ??= new Entry();
            entry.Members[after.Uid] = after;
            entry.Resolved = null;
            Version++;
        }
    }

    /// <summary>An object; null when it is not known.</summary>
    public GroupObject? Find(GroupObjectId id) => _objects.TryGet(id, out var found) ? found : null;

    /// <inheritdoc cref="GroupObjectTable.Upsert"/>
    public void Upsert(GroupObject item)
    {
        _objects.Upsert(item);
        Version++;
    }

    /// <inheritdoc cref="GroupObjectTable.Remove"/>
    public void Remove(GroupObjectId id)
    {
        _objects.Remove(id);
        Version++;
    }

    /// <inheritdoc cref="GroupObjectTable.Replace"/>
    public void Replace(string kind, IReadOnlyCollection<GroupObject>? items)
    {
        _objects.Replace(kind, items);
        Version++;
    }

    /// <summary>The group of a key; null when it has no members.</summary>
    public PodGroup? Find(GangKey key)
    {
        if (!_gangs.TryGetValue(key, out var entry))
        {
            return null;
        }

        if (entry.Resolved is { } resolved && ReferenceEquals(entry.Object, ObjectOf(resolved)) && entry.IsServed == IsServed(resolved))
        {
            return resolved;
        }

        resolved = PodGroupResolver.Resolve(key, entry.Members.Values, _objects);
        entry.Resolved = resolved;
        entry.Object = ObjectOf(resolved);
        entry.IsServed = IsServed(resolved);
        return resolved;
    }

    /// <summary>The group of a pod, with the pod counted as it is given; null when it is in none.</summary>
    public PodGroup? FindFor(PodInfo pod)
    {
        if (pod.Gang is not { } gang)
        {
            return null;
        }

        // The caller may know of a pod before its watch does.
        return _gangs.TryGetValue(gang.Key, out var entry) && entry.Members.ContainsKey(pod.Uid)
            ? Find(gang.Key)
            : PodGroupResolver.Resolve(gang.Key, entry is null ? [pod] : [.. entry.Members.Values, pod], _objects);
    }

    private GroupObject? ObjectOf(PodGroup group) => group.Object is { } id && _objects.TryGet(id, out var item) ? item : null;

    private bool IsServed(PodGroup group) => group.Object is { } id && _objects.IsServed(id.Kind);

    private void Remove(GangKey key, string uid)
    {
        if (_gangs.TryGetValue(key, out var entry) && entry.Members.Remove(uid))
        {
            entry.Resolved = null;
            if (entry.Members.Count == 0)
            {
                _gangs.Remove(key);
            }

            Version++;
        }
    }

    private sealed class Entry
    {
        public Dictionary<string, PodInfo> Members { get; } = new(StringComparer.Ordinal);

        public PodGroup? Resolved { get; set; }

        /// <summary>The object it was resolved with.</summary>
        public GroupObject? Object { get; set; }

        /// <summary>Whether objects of that kind were to be seen then.</summary>
        public bool IsServed { get; set; }
    }
}
