namespace GpuScheduler.Extender.Tests.Settings;

/// <summary>A file with settings, as a pod has it from a ConfigMap: a link to a link, of which the second is swapped.</summary>
internal sealed class ConfigFile : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-config-").FullName;
    private int _version;

    public ConfigFile(string contents)
    {
        Write(contents);
        File.CreateSymbolicLink(Path, "..data");
    }

    public string Path => System.IO.Path.Combine(_folder, "config.json");

    /// <summary>Puts other contents in place of those before, at once.</summary>
    public void Write(string contents)
    {
        var name = $"..{++_version}";
        Directory.CreateDirectory(System.IO.Path.Combine(_folder, name));
        File.WriteAllText(System.IO.Path.Combine(_folder, name, "config.json"), contents);
        var link = System.IO.Path.Combine(_folder, "..data");
        File.CreateSymbolicLink(link + "_tmp", System.IO.Path.Combine(name, "config.json"));
        File.Move(link + "_tmp", link, overwrite: true);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
