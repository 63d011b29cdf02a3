namespace GpuScheduler.Kubernetes;

/// <summary>A resource to list and watch.</summary>
/// <param name="Name">Its plural name, for logs and metrics.</param>
/// <param name="Path">Path below the server's address, without a leading slash.</param>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="FieldSelector">Field selector, or empty for all objects.</param>
/// <param name="MayBeAbsent">True for a custom resource whose definition may not be installed: that counts as an empty list.</param>
internal sealed record WatchedResource(string Name, string Path, string Group = "", string FieldSelector = "", bool MayBeAbsent = false)
{
    /// <summary>What must be allowed.</summary>
    public RbacRule Rule { get; } = new(Group, Name, "list, watch");
}
