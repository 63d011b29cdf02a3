namespace GpuScheduler.Extender.Settings;

/// <summary>The settings that are in effect. Never changed one by one: others take their place as a whole.</summary>
internal sealed class SettingsInUse(ExtenderOptions options)
{
    private volatile ExtenderOptions _options = options;

    /// <summary>The settings at this moment; who needs several of them together asks once.</summary>
    public ExtenderOptions Options
    {
        get => _options;
        set => _options = value;
    }
}
