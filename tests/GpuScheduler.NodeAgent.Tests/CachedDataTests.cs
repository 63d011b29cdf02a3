using GpuScheduler.NodeAgent.Facts;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

public sealed class CachedDataTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-data-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_entry_of_a_folder_is_a_name()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "models--meta-llama--Llama-3-70b"));
        Directory.CreateDirectory(Path.Combine(_folder, "imagenet"));
        Directory.CreateDirectory(Path.Combine(_folder, ".locks"));
        File.WriteAllText(Path.Combine(_folder, "weights.safetensors"), "");
        var report = Read(_folder, _folder);

        Assert.Equal(["imagenet", "meta-llama/Llama-3-70b", "weights.safetensors"], report.CachedData);
        Assert.Empty(report.Unknown);
    }

    [Fact]
    public void What_cannot_be_read_or_written_by_a_pod_is_said()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "two words"));
        var report = Read(_folder, Path.Combine(_folder, "nothing"));

        Assert.Empty(report.CachedData);
        Assert.Equal(2, report.Unknown.Count);
        Assert.Contains("data: two words in ", report.Unknown[0], StringComparison.Ordinal);
        Assert.Contains("cannot be read", report.Unknown[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_many_entries_is_reported_in_part()
    {
        for (var i = 0; i < 1001; i++)
        {
            File.WriteAllText(Path.Combine(_folder, $"d{i}"), "");
        }

        var report = Read(_folder);
        Assert.Equal(1000, report.CachedData.Count);
        Assert.Equal("data: 1001 are cached and 1000 are reported at most", Assert.Single(report.Unknown));
    }

    [Fact]
    public void Looking_again_replaces_what_was_found()
    {
        var report = Read(_folder);
        File.WriteAllText(Path.Combine(_folder, "a"), "");
        CachedData.Add(report, [_folder]);
        CachedData.Add(report, [_folder]);
        Assert.Equal(["a"], report.CachedData);
        CachedData.Add(report, []);
        Assert.Empty(report.CachedData);
    }

    private static V1.NodeReport Read(params string[] folders)
    {
        var report = new V1.NodeReport();
        CachedData.Add(report, folders);
        return report;
    }
}
