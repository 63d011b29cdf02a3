using GpuScheduler.Core.Requests;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>The data sets and models that lie in folders of the node, each an entry of a folder.</summary>
internal static class CachedData
{
    private const int Most = 1000;

    /// <summary>As many as the resource definition allows.</summary>
    private const int MostUnknown = 64;

    private const int LongestUnknown = 512;

    /// <summary>How the Hugging Face hub's cache names its folders: models--OWNER--NAME. Source: huggingface_hub, file_download.repo_folder_name.</summary>
    private static readonly string[] s_hubPrefixes = ["models--", "datasets--"];

    /// <summary>Adds what lies in the folders, each name once and in order, and what could not be read.</summary>
    public static void Add(Wire.NodeReport report, IReadOnlyList<string> folders)
    {
        report.CachedData.Clear();
        if (folders.Count == 0)
        {
            return;
        }

        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var folder in folders)
        {
            try
            {
                foreach (var path in Directory.EnumerateFileSystemEntries(folder))
                {
                    var entry = Path.GetFileName(path);
                    if (entry is ['.', ..])
                    {
                        continue;
                    }

                    if (DataNames.IsName(NameOf(entry)))
                    {
                        names.Add(NameOf(entry));
                    }
                    else
                    {
                        Note(report, $"data: {entry} in {folder} is no name that pods could write: {DataNames.Grammar} are allowed");
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Note(report, $"data: {folder} cannot be read: {e.Message}");
            }
        }

        if (names.Count > Most)
        {
            Note(report, $"data: {names.Count} are cached and {Most} are reported at most");
        }

        report.CachedData.Add(names.Take(Most));
    }

    private static string NameOf(string entry)
    {
        foreach (var prefix in s_hubPrefixes)
        {
            if (entry.StartsWith(prefix, StringComparison.Ordinal))
            {
                return entry[prefix.Length..].Replace("--", "/", StringComparison.Ordinal);
            }
        }

        return entry;
    }

    private static void Note(Wire.NodeReport report, string text)
    {
        if (report.Unknown.Count < MostUnknown)
        {
            report.Unknown.Add(text.Length > LongestUnknown ? text[..LongestUnknown] : text);
        }
    }
}
