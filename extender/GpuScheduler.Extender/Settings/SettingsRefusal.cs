namespace GpuScheduler.Extender.Settings;

/// <summary>That a changed file was not taken.</summary>
/// <param name="At">When it was looked at.</param>
/// <param name="Reasons">What is wrong with it, a line each.</param>
internal sealed record SettingsRefusal(DateTimeOffset At, IReadOnlyList<string> Reasons);
