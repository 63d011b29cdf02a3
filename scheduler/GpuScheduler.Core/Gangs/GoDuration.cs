using System.Buffers;
using System.Globalization;

namespace GpuScheduler.Core.Gangs;

/// <summary>Durations as Kubernetes tools write them: numbers with units, largest first by custom, such as 90s, 1h30m or 1.5h.</summary>
public static class GoDuration
{
    /// <summary>Units and their length in nanoseconds; one that begins like another comes first.</summary>
    private static readonly (string Name, decimal Nanoseconds)[] s_units =
    [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ];

    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    /// <summary>Reads a duration above zero and of a year at most.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        var rest = text.AsSpan();
        var total = 0m;
        while (!rest.IsEmpty)
        {
            var length = rest.IndexOfAnyExcept(s_digits);
            if (length is < 1 or > 18 || !decimal.TryParse(rest[..length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            {
                return false;
            }

            rest = rest[length..];
            if (!TryUnit(ref rest, out var nanoseconds) || (total += number * nanoseconds) > 365m * 24 * 3_600_000_000_000)
            {
                return false;
            }
        }

        duration = TimeSpan.FromTicks((long)(total / TimeSpan.NanosecondsPerTick));
        return duration > TimeSpan.Zero;
    }

    private static bool TryUnit(ref ReadOnlySpan<char> rest, out decimal nanoseconds)
    {
        foreach (var (name, length) in s_units)
        {
            if (rest.StartsWith(name, StringComparison.Ordinal))
            {
                rest = rest[name.Length..];
                nanoseconds = length;
                return true;
            }
        }

        nanoseconds = 0;
        return false;
    }
}
