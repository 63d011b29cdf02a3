using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Extender;

/// <summary>Reads <see cref="ExtenderOptions.DialectSettings"/>.</summary>
internal static class DialectSettingsReader
{
    /// <summary>The names of a list; none for "none".</summary>
    public static string[] Names(string value)
    {
        var names = value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return names is ["none"] ? [] : names;
    }

    /// <summary>The dialects of settings that were found in order.</summary>
    public static DialectSet Read(ExtenderOptions.DialectSettings settings)
    {
        var read = Names(settings.Read);
        var written = Names(settings.Write);
        return new DialectSet([.. ShareDialects.All.Where(d => read.Contains(d.Name))], [.. ShareDialects.All.Where(d => written.Contains(d.Name))]);
    }
}
