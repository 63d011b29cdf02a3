namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>A decision that came out otherwise.</summary>
/// <param name="Line">Line of the recording.</param>
/// <param name="What">Which decision.</param>
/// <param name="Recorded">What was decided then.</param>
/// <param name="Replayed">What is decided now.</param>
public sealed record ReplayDifference(long Line, string What, string Recorded, string Replayed);
