namespace GpuScheduler.Extender.Settings;

/// <summary>A setting that takes effect at the next start.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Now">The value in effect, as it may be shown.</param>
/// <param name="Then">The value after a start, as it may be shown.</param>
internal sealed record WaitingSetting(string Name, string Now, string Then);
