namespace GpuScheduler.Extender.Settings;

/// <summary>Where the settings come from and how the last look at the file ended.</summary>
/// <param name="Generation">1 at start, and one more with every file that was taken.</param>
/// <param name="LoadedAt">When those in use were taken.</param>
/// <param name="Waiting">Settings of the file that take effect at the next start.</param>
internal sealed record SettingsState(int Generation, DateTimeOffset LoadedAt, IReadOnlyList<WaitingSetting> Waiting)
{
    /// <summary>Why the file as it is now was not taken; null when it was.</summary>
    public SettingsRefusal? Refused { get; init; }
}
