namespace GpuScheduler.Kubernetes;

/// <summary>How fresh the copy of a resource is.</summary>
/// <param name="Resource">Plural name of the resource.</param>
/// <param name="HasSynced">True once there was a complete list.</param>
/// <param name="Age">Time since the API server last sent something for it, a bookmark included; null when it never has.</param>
public readonly record struct WatchedAge(string Resource, bool HasSynced, TimeSpan? Age);
