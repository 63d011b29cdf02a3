using System.Diagnostics;
using System.Text.RegularExpressions;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>
/// A folder with <c>etcd</c>, <c>kube-apiserver</c> and <c>kube-scheduler</c>. Its versions decide which
/// configuration the scheduler is given, so that a newer Kubernetes is tested by naming another folder.
/// </summary>
public sealed partial class ControlPlaneBinaries
{
    /// <summary>The envtest convention: names a folder with the binaries and goes before everything else.</summary>
    public const string AssetsVariable = "KUBEBUILDER_ASSETS";

    /// <summary>Names a folder with the binaries; for a folder that other tools should not take for envtest's.</summary>
    public const string FolderVariable = "GPU_SCHEDULER_CONTROL_PLANE";

    private static readonly string[] Required = ["etcd", "kube-apiserver", "kube-scheduler"];

    private readonly Lazy<Version> _schedulerVersion;
    private readonly Lazy<bool> _etcdCanSkipFsync;

    private ControlPlaneBinaries(string folder)
    {
        Folder = folder;
        _schedulerVersion = new Lazy<Version>(() => ReadVersion(KubeScheduler));
        _etcdCanSkipFsync = new Lazy<bool>(
            () => ReadOutput(Etcd, "--help").Contains("--unsafe-no-fsync", StringComparison.Ordinal));
    }

    /// <summary>Absolute path of the folder.</summary>
    public string Folder { get; }

    /// <summary>Absolute path of etcd.</summary>
    public string Etcd => Path.Combine(Folder, "etcd");

    /// <summary>Absolute path of the API server.</summary>
    public string KubeApiServer => Path.Combine(Folder, "kube-apiserver");

    /// <summary>Absolute path of the stock scheduler.</summary>
    public string KubeScheduler => Path.Combine(Folder, "kube-scheduler");

    /// <summary>What the stock scheduler answers to <c>--version</c>.</summary>
    public Version SchedulerVersion => _schedulerVersion.Value;

    /// <summary>Whether the scheduler reads <c>kubescheduler.config.k8s.io/v1</c> (Kubernetes 1.25 and later).</summary>
    public bool SchedulerSupportsConfigV1 => SchedulerVersion >= new Version(1, 25);

    /// <summary>
    /// Absolute path of a scheduler that asks extenders about preemption, or null where there is none.
    /// Stock 1.20.0 to 1.20.9 and 1.21.0 to 1.21.3 never do (kubernetes#102971); for these the build script
    /// makes a second, patched binary.
    /// </summary>
    public string? PreemptingScheduler
    {
        get
        {
            var version = SchedulerVersion;
            var forgetsExtenders =
                (version >= new Version(1, 20, 0) && version < new Version(1, 20, 10)) ||
                (version >= new Version(1, 21, 0) && version < new Version(1, 21, 4));
            if (!forgetsExtenders)
            {
                return KubeScheduler;
            }

            var patched = Path.Combine(Folder, "kube-scheduler-preemptfix");
            return File.Exists(patched) ? patched : null;
        }
    }

    /// <summary>Whether etcd can leave out fsync (3.5 and later), which a store that dies with its test does not need.</summary>
    internal bool EtcdCanSkipFsync => _etcdCanSkipFsync.Value;

    /// <summary>
    /// Looks in <see cref="AssetsVariable"/>, then <see cref="FolderVariable"/>, then for the newest complete
    /// folder that <c>tests/control-plane/build.sh</c> left in the cache.
    /// </summary>
    /// <param name="whyNot">When nothing was found: the text to skip a test with, which says how to get the binaries.</param>
    /// <returns>The binaries, or null.</returns>
    public static ControlPlaneBinaries? TryFind(out string whyNot)
    {
        whyNot = "";
        var seen = new List<string>();
        foreach (var (source, folder) in Candidates())
        {
            var missing = Required.Where(name => !File.Exists(Path.Combine(folder, name))).ToArray();
            if (missing.Length == 0)
            {
                return new ControlPlaneBinaries(Path.GetFullPath(folder));
            }

            seen.Add($"{source} ({folder}) has no {string.Join(", ", missing)}");
        }

        whyNot =
            "No Kubernetes control plane to test against. Build one with tests/control-plane/build.sh (Debian, " +
            $"some minutes, once), or let {AssetsVariable} name a folder with {string.Join(", ", Required)}.";
        if (seen.Count > 0)
        {
            whyNot += $" Looked at: {string.Join("; ", seen)}.";
        }

        return null;
    }

    private static IEnumerable<(string Source, string Folder)> Candidates()
    {
        foreach (var variable in (string[])[AssetsVariable, FolderVariable])
        {
            if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } folder)
            {
                yield return (variable, folder);
            }
        }

        var built = new DirectoryInfo(Path.Combine(CacheFolder(), "control-plane"));
        if (!built.Exists)
        {
            yield break;
        }

        // Dotted names are builds in progress; a finished one is renamed into place whole.
        foreach (var folder in built.EnumerateDirectories()
                     .Where(folder => !folder.Name.StartsWith('.'))
                     .OrderByDescending(folder => folder.LastWriteTimeUtc))
        {
            yield return ("the cache", folder.FullName);
        }
    }

    // The same words as in tests/control-plane/build.sh.
    private static string CacheFolder()
    {
        if (Environment.GetEnvironmentVariable("GPU_SCHEDULER_CACHE") is { Length: > 0 } own)
        {
            return own;
        }

        var shared = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg
            ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(shared, "gpu-scheduler");
    }

    private static Version ReadVersion(string binary)
    {
        var output = ReadOutput(binary, "--version");
        var match = VersionPattern().Match(output);
        return match.Success
            ? Version.Parse(match.Groups[1].Value)
            : throw new InvalidOperationException($"{binary} --version names no version: '{output.Trim()}'.");
    }

    private static string ReadOutput(string binary, string argument)
    {
        var start = new ProcessStartInfo(binary, [argument])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{binary} did not start.");
        // etcd prints its help to stderr, the others to stdout; both must be drained at once.
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output + errors.GetAwaiter().GetResult();
    }

    [GeneratedRegex(@"v(\d+\.\d+\.\d+)")]
    private static partial Regex VersionPattern();
}
