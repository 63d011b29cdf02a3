namespace GpuScheduler.Extender.Decisions;

/// <summary>Decisions as lines of a file.</summary>
public sealed class AuditSettings
{
    /// <summary>The file, to which a line of JSON is added for every decision; empty for none. Its folder must exist.</summary>
    public string Path { get; set; } = "";

    /// <summary>When the file has this many MiB it becomes Path.1, and the next one begins.</summary>
    public int MaxFileMiB { get; set; } = 64;

    /// <summary>How many files there are at most, the one that is written included.</summary>
    public int Files { get; set; } = 8;

    /// <summary>Adds what is wrong.</summary>
    internal void Check(List<string> errors)
    {
        if (Path.Length > 0 && (Directory.Exists(Path) || !Directory.Exists(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)))))
        {
            errors.Add($"Audit:Path is \"{Path}\": a file in a folder that exists is expected");
        }

        if (MaxFileMiB is < 1 or > 65_536)
        {
            errors.Add($"Audit:MaxFileMiB is {MaxFileMiB}: 1 to 65536 is allowed");
        }

        if (Files is < 1 or > 1000)
        {
            errors.Add($"Audit:Files is {Files}: 1 to 1000 is allowed");
        }
    }
}
