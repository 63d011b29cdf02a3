namespace GpuScheduler.Core.Gangs;

/// <summary>
/// Where a gang stands among those that wait. One of which a part is bound comes first: it holds devices that do no work until the rest
/// has come. Then the higher priority, then the one that was heard of first.
/// </summary>
/// <param name="IsInPart">True when members are bound, and fewer than it needs.</param>
/// <param name="Priority">Its priority.</param>
/// <param name="Since">When it was first heard of.</param>
/// <param name="Name">Decides among equals, so that the order is one.</param>
internal readonly record struct GangRank(bool IsInPart, int Priority, DateTimeOffset Since, string Name) : IComparable<GangRank>
{
    /// <summary>Less than 0 when this one comes first.</summary>
    public int CompareTo(GangRank other)
    {
        var order = other.IsInPart.CompareTo(IsInPart);
        order = order != 0 ? order : other.Priority.CompareTo(Priority);
        order = order != 0 ? order : Since.CompareTo(other.Since);
        return order != 0 ? order : string.CompareOrdinal(Name, other.Name);
    }
}
