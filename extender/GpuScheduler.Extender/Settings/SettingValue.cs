namespace GpuScheduler.Extender.Settings;

/// <summary>One setting as people see it.</summary>
/// <param name="Name">Its name, for example Engine:Weights:Topology.</param>
/// <param name="Value">Its value as it would stand in a file; "" for none.</param>
/// <param name="Default">What it is when nobody sets it.</param>
internal sealed record SettingValue(string Name, string Value, string Default)
{
    /// <summary>What is shown in place of a secret.</summary>
    public const string Masked = "***";

    private static readonly string[] s_secret = ["Headers", "Token", "Password", "Secret"];

    /// <summary>The value, unless it may be a secret.</summary>
    public string Shown => Show(Value);

    /// <summary>A value of this setting, unless it may be a secret.</summary>
    public string Show(string value)
    {
        if (value.Length > 0 && s_secret.Any(s => Name.EndsWith(s, StringComparison.Ordinal)))
        {
            return Masked;
        }

        return Uri.TryCreate(value, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0 ? value.Replace(uri.UserInfo, Masked, StringComparison.Ordinal) : value;
    }
}
