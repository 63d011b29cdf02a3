using System.Globalization;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>A setting as the code has it.</summary>
/// <param name="Path">Its name, with ':' between the steps, and NAME in the place of the key of a dictionary.</param>
/// <param name="Type">What it takes.</param>
/// <param name="Default">What it is when nobody sets it.</param>
internal sealed record Setting(string Path, Type Type, object? Default)
{
    /// <summary>All settings below a type.</summary>
    public static IEnumerable<Setting> Of(object defaults, string prefix = "")
    {
        foreach (var property in defaults.GetType().GetProperties().Where(p => p.SetMethod is { IsPublic: true } && p.GetIndexParameters().Length == 0))
        {
            var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
            var (path, value) = (prefix + property.Name, property.GetValue(defaults));
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Dictionary<,>))
            {
                path += ":NAME";
                type = type.GenericTypeArguments[1];
                value = IsLeaf(type) ? null : Activator.CreateInstance(type);
            }

            foreach (var setting in IsLeaf(type) ? [new Setting(path, type, value)] : Of(value ?? Activator.CreateInstance(type)!, path + ":"))
            {
                yield return setting;
            }
        }
    }

    /// <summary>The default as a table has it.</summary>
    public string Text => Default switch
    {
        null or "" => "none",
        bool yes => yes ? "`true`" : "`false`",
        string text => $"`{text}`",
        TimeSpan time => TimeText(time),
        Enum choice => $"`{choice.ToString().ToLowerInvariant()}`",
        System.Collections.IEnumerable many => many.Cast<object>().Any() ? $"`{string.Join(',', many.Cast<object>())}`" : "none",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        var other => other.ToString()!,
    };

    /// <summary>Reads a time as a table has it, such as 500 ms or 5 min.</summary>
    public static bool TryReadTime(string text, out TimeSpan time)
    {
        time = TimeSpan.Zero;
        if (text == "0")
        {
            return true;
        }

        if (text.Split(' ') is not [var number, var unit] || !double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        TimeSpan? one = unit switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "min" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            "d" => TimeSpan.FromDays(1),
            _ => null,
        };
        time = value * (one ?? TimeSpan.Zero);
        return one is not null;
    }

    private static string TimeText(TimeSpan time) => time.Ticks switch
    {
        0 => "0",
        _ when time < TimeSpan.FromSeconds(1) => FormattableString.Invariant($"{time.TotalMilliseconds} ms"),
        _ when time < TimeSpan.FromMinutes(2) => FormattableString.Invariant($"{time.TotalSeconds} s"),
        _ when time < TimeSpan.FromHours(1) => FormattableString.Invariant($"{time.TotalMinutes} min"),
        _ when time <= TimeSpan.FromDays(1) => FormattableString.Invariant($"{time.TotalHours} h"),
        _ => FormattableString.Invariant($"{time.TotalDays} d"),
    };

    private static bool IsLeaf(Type type) =>
        type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(TimeSpan) || type == typeof(decimal)
        || (type != typeof(string) && type.IsAssignableTo(typeof(System.Collections.IEnumerable)));
}
