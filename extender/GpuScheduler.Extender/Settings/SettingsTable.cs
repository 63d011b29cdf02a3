using System.Collections;
using System.Globalization;

namespace GpuScheduler.Extender.Settings;

/// <summary>The settings one by one.</summary>
internal static class SettingsTable
{
    /// <summary>All settings by name, in alphabetical order.</summary>
    public static SortedDictionary<string, SettingValue> Of(ExtenderOptions options)
    {
        var table = new SortedDictionary<string, SettingValue>(StringComparer.Ordinal);
        Add(table, "", options, new ExtenderOptions());
        return table;
    }

    /// <summary>Names of the settings that are not the same, in alphabetical order.</summary>
    public static IEnumerable<string> Differences(SortedDictionary<string, SettingValue> one, SortedDictionary<string, SettingValue> other) =>
        one.Keys.Union(other.Keys).Where(name => one.GetValueOrDefault(name)?.Value != other.GetValueOrDefault(name)?.Value).Order(StringComparer.Ordinal);

    private static void Add(SortedDictionary<string, SettingValue> table, string path, object? value, object? otherwise)
    {
        switch (value)
        {
            case IDictionary items:
                foreach (DictionaryEntry item in items)
                {
                    Add(table, $"{path}:{item.Key}", item.Value, item.Value is null or string ? null : Activator.CreateInstance(item.Value.GetType()));
                }

                break;
            case not null when value.GetType() is { IsClass: true } type && type != typeof(string) && !typeof(IEnumerable).IsAssignableFrom(type):
                foreach (var property in type.GetProperties().Where(p => p.GetIndexParameters().Length == 0 && p.CanWrite))
                {
                    Add(table, path.Length > 0 ? $"{path}:{property.Name}" : property.Name, property.GetValue(value), otherwise is null ? null : property.GetValue(otherwise));
                }

                break;
            default:
                table[path] = new SettingValue(path, Text(value), Text(otherwise));
                break;
        }
    }

    private static string Text(object? value) => value switch
    {
        null => "",
        bool flag => flag ? "true" : "false",
        string text => text,
        IEnumerable items => string.Join(';', items.Cast<object?>().Select(Text)),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
