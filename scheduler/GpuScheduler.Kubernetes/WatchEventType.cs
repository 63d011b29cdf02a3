namespace GpuScheduler.Kubernetes;

/// <summary>What a line of a watch says.</summary>
internal enum WatchEventType
{
    /// <summary>The object is new, or was changed.</summary>
    Upsert,

    /// <summary>The object is gone.</summary>
    Delete,

    /// <summary>Nothing but the resource version has moved.</summary>
    Bookmark,

    /// <summary>The watch has failed; the object is a Status.</summary>
    Error,
}
