namespace GpuScheduler.Extender.Settings;

/// <summary>Where the settings were given.</summary>
/// <param name="File">The file; null when there is none.</param>
/// <param name="CommandLine">What was set on the command line.</param>
/// <param name="AtStart">All of them as they were at start.</param>
/// <param name="Stamp">What the file had in it just before they were read.</param>
internal sealed record SettingsSource(string? File, IReadOnlyDictionary<string, string?> CommandLine, IConfigurationRoot AtStart, string Stamp);
