namespace GpuScheduler.EndToEnd.Tests;

/// <summary>A file with a text, gone when it is disposed of.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile(string text) => File.WriteAllText(Path, text);

    public string Path { get; } = System.IO.Path.GetTempFileName();

    public void Dispose() => File.Delete(Path);
}
