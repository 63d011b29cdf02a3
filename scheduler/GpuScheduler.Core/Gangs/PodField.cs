namespace GpuScheduler.Core.Gangs;

/// <summary>A place on a pod where a word about its gang may stand.</summary>
/// <param name="Source">Labels, annotations, or another part of the pod.</param>
/// <param name="Name">Key of the label or annotation, path below spec, or field of the owner reference.</param>
internal readonly record struct PodField(PodFieldSource Source, string Name)
{
    public static PodField Label(string name) => new(PodFieldSource.Label, name);

    public static PodField Annotation(string name) => new(PodFieldSource.Annotation, name);

    public static PodField Spec(string path) => new(PodFieldSource.Spec, path);

    /// <summary>The kind of the controller that owns the pod.</summary>
    public static PodField OwnerKind { get; } = new(PodFieldSource.Owner, "kind");

    public override string ToString() => Source switch
    {
        PodFieldSource.Label => "label " + Name,
        PodFieldSource.Annotation => "annotation " + Name,
        PodFieldSource.Spec => "spec." + Name,
        _ => "metadata.ownerReferences[]." + Name,
    };
}
