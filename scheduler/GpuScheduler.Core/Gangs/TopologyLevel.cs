using System.Globalization;

namespace GpuScheduler.Core.Gangs;

/// <summary>A level of the network above the nodes, as a gang's declaration names it.</summary>
public readonly record struct TopologyLevel
{
    private TopologyLevel(string key, int tier)
    {
        Key = key;
        Tier = tier;
    }

    /// <summary>The label of nodes whose values are the domains of the level, or the configured name of the level; empty when it is named by <see cref="Tier"/>.</summary>
    public string Key { get; }

    /// <summary>How many levels above the nodes, from 1 on, as Volcano counts its tiers; 0 when it is named by <see cref="Key"/>.</summary>
    public int Tier { get; }

    /// <summary>A level by the label of nodes, or by its configured name.</summary>
    public static TopologyLevel OfKey(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return new TopologyLevel(key, 0);
    }

    /// <summary>A level by how many levels it is above the nodes, from 1 on.</summary>
    public static TopologyLevel OfTier(int tier)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tier, 1);
        return new TopologyLevel("", tier);
    }

    /// <summary>The key, or "tier N".</summary>
    public override string ToString() => Tier == 0 ? Key ?? "" : "tier " + Tier.ToString(CultureInfo.InvariantCulture);
}
