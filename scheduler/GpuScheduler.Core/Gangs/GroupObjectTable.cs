using System.Diagnostics.CodeAnalysis;

namespace GpuScheduler.Core.Gangs;

/// <summary>The objects that declare groups, as far as they are known. Not thread-safe.</summary>
public sealed class GroupObjectTable
{
    private readonly Dictionary<string, Dictionary<GroupObjectId, GroupObject>> _kinds = new(StringComparer.Ordinal);

    /// <summary>Takes over all that another table has, in place of nothing.</summary>
    internal void CopyFrom(GroupObjectTable other)
    {
        foreach (var (kind, objects) in other._kinds)
        {
            _kinds[kind] = new(objects);
        }
    }

    /// <summary>True when objects of a kind can be seen, so that one which is not here does not exist, or not yet.</summary>
    public bool IsServed(string kind) => _kinds.ContainsKey(kind);

    /// <summary>The object of an id.</summary>
    public bool TryGet(GroupObjectId id, [NotNullWhen(true)] out GroupObject? found)
    {
        found = null;
        return _kinds.TryGetValue(id.Kind, out var objects) && objects.TryGetValue(id, out found);
    }

    /// <summary>An object was added or changed.</summary>
    public void Upsert(GroupObject item)
    {
        ArgumentNullException.ThrowIfNull(item);
        if (!_kinds.TryGetValue(item.Id.Kind, out var objects))
        {
            _kinds[item.Id.Kind] = objects = [];
        }

        objects[item.Id] = item;
    }

    /// <summary>An object is gone.</summary>
    public void Remove(GroupObjectId id)
    {
        if (_kinds.TryGetValue(id.Kind, out var objects))
        {
            objects.Remove(id);
        }
    }

    /// <summary>All objects of a kind.</summary>
    /// <param name="kind">One of <see cref="GroupKinds"/>.</param>
    /// <param name="items">Its objects; null when they cannot be seen, because the API server has no such kind or does not show it.</param>
    public void Replace(string kind, IReadOnlyCollection<GroupObject>? items)
    {
        if (items is null)
        {
            _kinds.Remove(kind);
            return;
        }

        var objects = new Dictionary<GroupObjectId, GroupObject>(items.Count);
        foreach (var item in items)
        {
            objects[item.Id] = item;
        }

        _kinds[kind] = objects;
    }
}
