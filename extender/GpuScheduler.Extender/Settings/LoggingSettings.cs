namespace GpuScheduler.Extender.Settings;

/// <summary>The settings of logging, of which the framework learns anew when they change.</summary>
internal sealed class LoggingSettings : ConfigurationProvider, IConfigurationSource
{
    public LoggingSettings(IConfiguration settings) => Take(settings);

    /// <summary>They take the place of those before.</summary>
    public void Set(IConfiguration settings)
    {
        Take(settings);
        OnReload();
    }

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    private void Take(IConfiguration settings) => Data = settings.GetSection("Logging").AsEnumerable().Where(s => s.Value is not null)
        .ToDictionary(s => s.Key, s => s.Value, StringComparer.OrdinalIgnoreCase);
}
