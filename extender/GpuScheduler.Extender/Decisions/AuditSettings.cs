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
        CheckPath(errors, "Audit:Path", Path);
        if (MaxFileMiB is < 1 or > 65_536)
        {
            errors.Add($"Audit:MaxFileMiB is {MaxFileMiB}: 1 to 65536 is allowed");
        }

        if (Files is < 1 or > 1000)
        {
            errors.Add($"Audit:Files is {Files}: 1 to 1000 is allowed");
        }
    }

    /// <summary>Adds that a file cannot be written where it is to be.</summary>
    internal static void CheckPath(List<string> errors, string option, string path)
    {
        if (path.Length > 0 && (Directory.Exists(path) || !Directory.Exists(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path)))))
        {
            errors.Add($"{option} is \"{path}\": a file in a folder that exists is expected");
        }
    }
}
