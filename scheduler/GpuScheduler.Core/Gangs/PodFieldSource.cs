namespace GpuScheduler.Core.Gangs;

/// <summary>Where on a pod a word about its gang stands.</summary>
internal enum PodFieldSource
{
    /// <summary>metadata.labels.</summary>
    Label,

    /// <summary>metadata.annotations.</summary>
    Annotation,

    /// <summary>spec.</summary>
    Spec,

    /// <summary>The owner reference with controller: true.</summary>
    Owner,
}
