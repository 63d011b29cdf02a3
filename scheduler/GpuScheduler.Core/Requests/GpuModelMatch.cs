namespace GpuScheduler.Core.Requests;

/// <summary>
/// How <see cref="GpuAnnotations.GpuModel"/> meets a product label. An alternative matches when it is the whole label, or a run of
/// whole words of it (words are separated by '-', '_', ' ' or '.'); case does not matter. So "A100" matches "NVIDIA-A100-SXM4-80GB"
/// and "A10" does not. The suffixes that GPU Feature Discovery appends (-SHARED, -MIG-1g.5gb) are ordinary words of the label.
/// </summary>
public static class GpuModelMatch
{
    /// <summary>True when one of the alternatives matches the product label.</summary>
    public static bool Matches(ReadOnlySpan<string> alternatives, string product)
    {
        foreach (var alternative in alternatives)
        {
            if (Matches(alternative, product))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Matches(string alternative, string product)
    {
        for (var from = 0; from + alternative.Length <= product.Length; from++)
        {
            var to = from + alternative.Length;
            if ((from == 0 || IsSeparator(product[from - 1]))
                && (to == product.Length || IsSeparator(product[to]))
                && Same(product.AsSpan(from, alternative.Length), alternative))
            {
                return true;
            }
        }

        return false;
    }

    private static bool Same(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        for (var i = 0; i < a.Length; i++)
        {
            if (char.ToUpperInvariant(a[i]) != char.ToUpperInvariant(b[i]) && !(IsSeparator(a[i]) && IsSeparator(b[i])))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsSeparator(char c) => c is '-' or '_' or ' ' or '.';
}
