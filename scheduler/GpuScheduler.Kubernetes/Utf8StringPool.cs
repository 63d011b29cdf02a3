using System.Text;
using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Strings that come again and again (label keys and values, quantities, names of namespaces and nodes), so that thousands of
/// objects share one copy. A direct-mapped cache of fixed size: a newcomer displaces what had its slot. Safe from any thread,
/// because a slot is one reference and whatever it holds is compared before it is used.
/// </summary>
internal static class Utf8StringPool
{
    private const int Slots = 1 << 13;
    private const int LongestPooled = 128;

    private static readonly string?[] s_strings = new string?[Slots];

    /// <summary>The text of a string or property name.</summary>
    /// <exception cref="InvalidOperationException">It is not valid Unicode.</exception>
    public static string Get(ref Utf8JsonReader json) =>
        json.HasValueSequence || json.ValueIsEscaped ? json.GetString() ?? "" : TryGet(json.ValueSpan) ?? json.GetString() ?? "";

    /// <summary>The text of a number as it is written.</summary>
    public static string GetNumber(ref Utf8JsonReader json)
    {
        if (!json.HasValueSequence)
        {
            return TryGet(json.ValueSpan) ?? Encoding.ASCII.GetString(json.ValueSpan);
        }

        return Encoding.ASCII.GetString(json.ValueSequence);
    }

    private static string? TryGet(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return "";
        }

        if (utf8.Length > LongestPooled)
        {
            return null;
        }

        var slot = Slot(utf8);
        if (s_strings[slot] is { } known && Ascii.Equals(utf8, known))
        {
            return known;
        }

        if (!Ascii.IsValid(utf8))
        {
            return null;
        }

        var made = Encoding.ASCII.GetString(utf8);
        s_strings[slot] = made;
        return made;
    }

    private static int Slot(ReadOnlySpan<byte> utf8)
    {
        var hash = new HashCode();
        hash.AddBytes(utf8);
        return hash.ToHashCode() & (Slots - 1);
    }
}
