namespace GpuScheduler.Core.Gangs;

/// <summary>What tells one gang from all others. Groups of two dialects are two groups, even if they bear one name.</summary>
/// <param name="Namespace">Namespace of all its members.</param>
/// <param name="Dialect">Name of the dialect that declares it, one of <see cref="GangDialects.Names"/>.</param>
/// <param name="Name">
/// Name of the group within dialect and namespace. Where an object stands for several groups, its parts follow each other with a
/// colon, which no Kubernetes name contains (workload:podGroup:replicaKey, leaderWorkerSet:groupIndex).
/// </param>
public readonly record struct GangKey(string Namespace, string Dialect, string Name)
{
    /// <summary>namespace/name.</summary>
    public override string ToString() => $"{Namespace}/{Name}";
}
