using System.Collections.Concurrent;
using System.Diagnostics;
using Xunit;

namespace GpuScheduler.Testing.StandIn;

/// <summary>A stand-in for the driver's library in a folder of its own, with the scenario that it plays. Tests skip without a C compiler.</summary>
public sealed class StandInDriver : IDisposable
{
    private static readonly string s_build = Directory.CreateTempSubdirectory("gpu-scheduler-stand-in-").FullName;
    private static readonly ConcurrentDictionary<string, Lazy<string>> s_built = new();
    private static readonly Lazy<string?> s_compiler = new(() => new[] { "cc", "gcc", "clang" }.FirstOrDefault(IsOnPath));
    private static int s_number;

    private readonly string _folder;

    private StandInDriver(string folder) => _folder = folder;

    /// <summary>Path of the library.</summary>
    public string Library => Path.Combine(_folder, "libnvidia-ml.so.1");

    /// <summary>Makes one that plays the scenario and lacks some symbols.</summary>
    public static StandInDriver Create(Scenario scenario, params string[] missing)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        ArgumentNullException.ThrowIfNull(missing);
        Assert.SkipWhen(s_compiler.Value is null, "no C compiler was found to build the stand-in driver: install gcc");
        var built = s_built.GetOrAdd(string.Join(';', missing.Order(StringComparer.Ordinal)), key => new Lazy<string>(() => Build(missing))).Value;
        var driver = new StandInDriver(Directory.CreateTempSubdirectory("gpu-scheduler-driver-").FullName);
        File.Copy(built, driver.Library);
        driver.Play(scenario);
        return driver;
    }

    /// <summary>Goes on with another scenario. XIDs that were delivered are not delivered again.</summary>
    public void Play(Scenario scenario)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        var next = Path.Combine(_folder, "next");
        File.WriteAllText(next, scenario.ToString());
        File.Move(next, Library + ".scenario", overwrite: true);
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Build(string[] missing)
    {
        var number = Interlocked.Increment(ref s_number);
        var library = Path.Combine(s_build, $"nvml-{number}.so");
        var map = Path.Combine(s_build, $"nvml-{number}.map");
        File.WriteAllText(map, $"{{ global: nvml*; local: {string.Concat(missing.Select(m => m + "; "))}*; }};\n");
        var source = Path.Combine(Checkout.Root, "tests", "GpuScheduler.Testing", "StandIn", "nvml.c");
        using var process = Process.Start(new ProcessStartInfo(s_compiler.Value!, ["-std=gnu11", "-O1", "-shared", "-fPIC", $"-Wl,--version-script={map}", "-o", library, source, "-ldl", "-lpthread"])
        {
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return library;
    }

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));
}
