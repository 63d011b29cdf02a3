namespace GpuScheduler.Extender.Decisions;

/// <summary>A recording that can be replayed.</summary>
public sealed class RecordingSettings
{
    /// <summary>The file, written anew from the start of the process on; empty for none. It slows decisions: for hunting a fault.</summary>
    public string Path { get; set; } = "";

    /// <summary>The recording ends when it has this many MiB: what comes later means nothing without what came first.</summary>
    public int MaxMiB { get; set; } = 512;

    /// <summary>Adds what is wrong.</summary>
    internal void Check(List<string> errors)
    {
        AuditSettings.CheckPath(errors, "Recording:Path", Path);
        if (MaxMiB is < 1 or > 65_536)
        {
            errors.Add($"Recording:MaxMiB is {MaxMiB}: 1 to 65536 is allowed");
        }
    }
}
