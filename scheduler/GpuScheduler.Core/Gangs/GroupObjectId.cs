namespace GpuScheduler.Core.Gangs;

/// <summary>Which object declares a group.</summary>
/// <param name="Kind">One of <see cref="GroupKinds"/>.</param>
/// <param name="Namespace">Its namespace.</param>
/// <param name="Name">Its name.</param>
public readonly record struct GroupObjectId(string Kind, string Namespace, string Name)
{
    /// <summary>kind namespace/name.</summary>
    public override string ToString() => $"{Kind} {Namespace}/{Name}";
}
