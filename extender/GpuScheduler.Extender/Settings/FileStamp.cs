using System.Security.Cryptography;

namespace GpuScheduler.Extender.Settings;

/// <summary>Tells when files have changed.</summary>
internal static class FileStamp
{
    /// <summary>
    /// A digest of the contents, not the times: files of a Secret or ConfigMap are links to links, and what changes is a folder above them.
    /// </summary>
    /// <param name="files">Paths; one that is null or empty counts for nothing.</param>
    /// <exception cref="IOException">One cannot be read.</exception>
    public static string Of(params ReadOnlySpan<string?> files)
    {
        var stamps = new string[files.Length];
        for (var i = 0; i < files.Length; i++)
        {
            stamps[i] = files[i] is { Length: > 0 } file ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))) : "";
        }

        return string.Join('|', stamps);
    }
}
