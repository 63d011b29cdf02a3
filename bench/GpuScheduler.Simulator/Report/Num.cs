using System.Globalization;

namespace GpuScheduler.Simulator.Report;

/// <summary>Numbers as readers want them, in the invariant culture.</summary>
internal static class Num
{
    /// <summary>What stands for a value that is missing.</summary>
    public const string Missing = "–";

    private const double Minute = 60, Hour = 3600, Day = 86400;

    /// <summary>With thousands separated and this many decimals; very large ones with an exponent.</summary>
    public static string Fixed(double? value, int decimals) => value switch
    {
        null => Missing,
        { } v when !double.IsFinite(v) => Missing,
        { } v when Math.Abs(v) >= 1e15 => v.ToString("0.##e0", CultureInfo.InvariantCulture),
        { } v => (Math.Round(v, decimals, MidpointRounding.AwayFromZero) + 0.0).ToString("N" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture),
    };

    /// <summary>A percentage at full, else one or two decimals as needed: 100, 62.5.</summary>
    public static string Load(double percent) =>
        Math.Abs(percent) >= 1e6 ? Si(percent, 0) : percent.ToString("0.##", CultureInfo.InvariantCulture);

    /// <summary>Short, with k, M, G or T from 10,000 on.</summary>
    /// <param name="value">The value.</param>
    /// <param name="decimals">Decimals below 10,000.</param>
    public static string Si(double value, int decimals)
    {
        var size = Math.Abs(value);
        return size switch
        {
            >= 1e15 => value.ToString("0.##e0", CultureInfo.InvariantCulture),
            >= 1e12 => Scaled(1e12, "T"),
            >= 1e9 => Scaled(1e9, "G"),
            >= 1e6 => Scaled(1e6, "M"),
            >= 1e4 => Scaled(1e3, "k"),
            _ => Fixed(value, decimals),
        };

        string Scaled(double unit, string suffix) => (value / unit).ToString("0.###", CultureInfo.InvariantCulture) + suffix;
    }

    /// <summary>A time span in its two largest units: 45 s, 3 m 20 s, 2 d 4 h.</summary>
    public static string Duration(double? seconds) => seconds switch
    {
        null => Missing,
        { } s when !double.IsFinite(s) => Missing,
        { } s when s < 0 => "-" + Duration(-s),
        { } s when s < 10 => s.ToString("0.#", CultureInfo.InvariantCulture) + " s",
        { } s when Math.Round(s) < Minute => Whole(s, 1, "s"),
        { } s when s < Hour => Two(s, Minute, "m", 1, "s"),
        { } s when s < Day => Two(s, Hour, "h", Minute, "m"),
        { } s when s < 100 * Day => Two(s, Day, "d", Hour, "h"),
        { } s => Si(s / Day, 0) + " d",
    };

    private static string Two(double seconds, double unit, string name, double part, string partName)
    {
        // Rounded to the smaller unit first, so that 59.9 minutes read 60 m and not 59 m 60 s.
        var whole = Math.Round(seconds / part) * part;
        var first = Math.Floor(whole / unit);
        var rest = Math.Round((whole - (first * unit)) / part);
        return rest == 0 ? Whole(first, 1, name) : $"{Whole(first, 1, name)} {Whole(rest, 1, partName)}";
    }

    private static string Whole(double value, double unit, string name) =>
        Math.Round(value / unit).ToString("0", CultureInfo.InvariantCulture) + " " + name;
}
