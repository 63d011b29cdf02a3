using System.Globalization;

namespace GpuScheduler.Core.Requests;

/// <summary>
/// Kubernetes quantities: a decimal number with a binary suffix (Ki..Ei), a decimal suffix (n, u, m, k..E) or an exponent.
/// Source: the resource.Quantity grammar of apimachinery.
/// </summary>
public static class Quantity
{
    /// <summary>What <see cref="TryParse(ReadOnlySpan{char}, out decimal)"/> accepts, for error messages.</summary>
    public const string Grammar = "a Kubernetes quantity such as 16Gi, 16384Mi or 17G";

    /// <summary>Reads a quantity in its base unit (bytes, cores, pieces). False when it does not follow the grammar.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out decimal value)
    {
        value = 0;
        var end = 0;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] is '.' || (end == 0 && text[end] is '+' or '-')))
        {
            end++;
        }

        if (!decimal.TryParse(text[..end], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || !TryFactor(text[end..], out var factor))
        {
            return false;
        }

        try
        {
            value = number * factor;
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    /// <summary>Reads a whole, non-negative count, as extended resources must be. False for fractions and negatives.</summary>
    public static bool TryParseCount(ReadOnlySpan<char> text, out int count)
    {
        count = 0;
        if (!TryParse(text, out var value) || value < 0 || value > int.MaxValue || decimal.Truncate(value) != value)
        {
            return false;
        }

        count = (int)value;
        return true;
    }

    /// <summary>Reads an amount and rounds it up to thousandths of its base unit (milli-CPU); saturates at <see cref="long.MaxValue"/>.</summary>
    public static bool TryParseMilli(ReadOnlySpan<char> text, out long milli)
    {
        milli = 0;
        if (!TryParse(text, out var value) || value < 0)
        {
            return false;
        }

        milli = value >= long.MaxValue / 1000 ? long.MaxValue : (long)decimal.Ceiling(value * 1000);
        return true;
    }

    /// <summary>Reads an amount and rounds it up to whole base units (bytes); saturates at <see cref="long.MaxValue"/>.</summary>
    public static bool TryParseBytes(ReadOnlySpan<char> text, out long bytes)
    {
        bytes = 0;
        if (!TryParse(text, out var value) || value < 0)
        {
            return false;
        }

        bytes = value >= long.MaxValue ? long.MaxValue : (long)decimal.Ceiling(value);
        return true;
    }

    private static bool TryFactor(ReadOnlySpan<char> suffix, out decimal factor)
    {
        const decimal Ki = 1024;
        factor = suffix switch
        {
            "" => 1,
            "n" => 0.000000001m,
            "u" => 0.000001m,
            "m" => 0.001m,
            "k" => 1_000m,
            "M" => 1_000_000m,
            "G" => 1_000_000_000m,
            "T" => 1_000_000_000_000m,
            "P" => 1_000_000_000_000_000m,
            "E" => 1_000_000_000_000_000_000m,
            "Ki" => Ki,
            "Mi" => Ki * Ki,
            "Gi" => Ki * Ki * Ki,
            "Ti" => Ki * Ki * Ki * Ki,
            "Pi" => Ki * Ki * Ki * Ki * Ki,
            "Ei" => Ki * Ki * Ki * Ki * Ki * Ki,
            _ => 0,
        };
        if (factor != 0)
        {
            return true;
        }

        if (suffix.Length < 2 || suffix[0] is not ('e' or 'E')
            || !int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var exponent)
            || exponent is < -18 or > 18)
        {
            return false;
        }

        factor = 1;
        for (var i = 0; i < Math.Abs(exponent); i++)
        {
            factor = exponent > 0 ? factor * 10 : factor / 10;
        }

        return true;
    }
}
