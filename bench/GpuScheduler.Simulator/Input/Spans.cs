using System.Buffers;
using System.Globalization;
using System.Text;

namespace GpuScheduler.Simulator.Input;

/// <summary>Reads what people write on a command line: lists of seeds, durations, percentages.</summary>
internal static class Spans
{
    private const int MostSeeds = 10_000;

    private static readonly SearchValues<char> s_number = SearchValues.Create("0123456789.");

    private static readonly SearchValues<char> s_shell = SearchValues.Create(" \t\"'\\$&|<>*;()");

    private static readonly (string Suffix, long Milliseconds)[] s_units =
    [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ];

    /// <summary>"42", "42-44" or "42,45-47": whole numbers, in the order given, each once.</summary>
    public static IReadOnlyList<long> Seeds(string text)
    {
        var seeds = new List<long>();
        foreach (var part in Parts(text))
        {
            var dash = part.IndexOf('-', StringComparison.Ordinal);
            if (!long.TryParse(dash < 0 ? part : part[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !long.TryParse(dash < 0 ? part : part[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
                || last < first)
            {
                throw new InputException($"--seeds {text}: \"{part}\" is not a seed: whole numbers and ranges are allowed, for example 42-44 or 42,45");
            }

            if (last - first >= MostSeeds)
            {
                throw new InputException($"--seeds {text}: at most {MostSeeds} seeds are allowed");
            }

            for (var seed = first; seed <= last; seed++)
            {
                if (!seeds.Contains(seed))
                {
                    seeds.Add(seed);
                }
            }
        }

        return seeds.Count > 0 ? seeds : throw new InputException("--seeds is empty: for example 42-44");
    }

    /// <summary>A duration in milliseconds: 90s, 10m, 1h30m, 2d, or plain seconds.</summary>
    /// <param name="option">The option, for the message.</param>
    /// <param name="text">Its value.</param>
    public static long Duration(string option, string text)
    {
        var total = 0.0;
        var rest = text.AsSpan().Trim();
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(s_number);
            var number = digits < 0 ? rest : rest[..digits];
            if (!double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
            {
                throw NotADuration(option, text);
            }

            rest = digits < 0 ? [] : rest[digits..];
            var letters = rest.IndexOfAny(s_number);
            var unit = letters < 0 ? rest : rest[..letters];
            total += amount * (unit.IsEmpty ? 1000 : UnitOf(unit) is > 0 and var ms ? ms : throw NotADuration(option, text));
            rest = rest[unit.Length..];
        }

        return total is > 0 and < 1e15 ? (long)total : throw NotADuration(option, text);
    }

    /// <summary>A list of percentages such as 60,80,100.</summary>
    public static IReadOnlyList<double> Percentages(string option, string text)
    {
        var values = new List<double>();
        foreach (var part in Parts(text))
        {
            values.Add(double.TryParse(part.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value is > 0 and <= 1000
                ? value
                : throw new InputException($"{option} {text}: \"{part}\" is not a percentage above 0, for example 60,80,100"));
        }

        return values.Count > 0 ? values : throw new InputException($"{option} is empty: for example 60,80,100");
    }

    /// <summary>The parts of a comma-separated list, without blanks.</summary>
    public static string[] Parts(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A duration as people read it: 850 ms, 12 s, 3.4 min, 2.5 h, 1.2 d.</summary>
    public static string Show(double milliseconds)
    {
        var (value, unit) = milliseconds switch
        {
            0 => (0, "s"),
            < 1000 => (milliseconds, "ms"),
            < 120_000 => (milliseconds / 1000, "s"),
            < 7_200_000 => (milliseconds / 60_000, "min"),
            < 172_800_000 => (milliseconds / 3_600_000, "h"),
            _ => (milliseconds / 86_400_000, "d"),
        };
        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {unit}");
    }

    /// <summary>The command line as it could be typed again.</summary>
    public static string CommandLine(IEnumerable<string> arguments)
    {
        var line = new StringBuilder("gpu-scheduler-simulator");
        foreach (var argument in arguments)
        {
            line.Append(' ').Append(argument.Length > 0 && !argument.AsSpan().ContainsAny(s_shell) ? argument : $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'");
        }

        return line.ToString();
    }

    private static long UnitOf(ReadOnlySpan<char> unit)
    {
        foreach (var (suffix, milliseconds) in s_units)
        {
            if (unit.SequenceEqual(suffix))
            {
                return milliseconds;
            }
        }

        return 0;
    }

    private static InputException NotADuration(string option, string text) =>
        new($"{option} {text}: not a duration above 0: for example 90s, 10m, 1h30m, 2d or a number of seconds");
}
