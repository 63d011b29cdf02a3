namespace GpuScheduler.Extender.Decisions;

/// <summary>Nodes that were refused for one reason. Examples are fields and no list: a record of a decision is made for every pod that is asked about.</summary>
/// <param name="Reason">The reason, as kube-scheduler was told.</param>
/// <param name="Curable">True when removing pods could cure it.</param>
/// <param name="ForNow">True when the nodes could take the pod, were it not for what runs or is held there now, or for its own gang.</param>
/// <param name="Nodes">How many nodes.</param>
/// <param name="First">Name of one of them; null when none of them is known.</param>
/// <param name="Second">Another; null when there is none.</param>
/// <param name="Third">Another; null when there is none.</param>
internal readonly record struct Refusal(string Reason, bool Curable, bool ForNow, int Nodes, string? First, string? Second, string? Third)
{
    /// <summary>Names of a few of the nodes.</summary>
    public IEnumerable<string> Examples => new[] { First, Second, Third }.OfType<string>();
}
