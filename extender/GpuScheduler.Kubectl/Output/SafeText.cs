using System.Globalization;
using System.Text;

namespace GpuScheduler.Kubectl.Output;

/// <summary>
/// Text of others for a terminal. Names, annotations and messages may hold escape sequences that clear the screen or forge lines, and marks
/// that turn the direction of what follows: each such character is shown as its number instead.
/// </summary>
internal static class SafeText
{
    /// <summary>The text with nothing in it that a terminal obeys.</summary>
    public static string Of(string text)
    {
        StringBuilder? safe = null;
        for (var i = 0; i < text.Length;)
        {
            // A surrogate without its other half becomes a replacement character.
            Rune.DecodeFromUtf16(text.AsSpan(i), out var rune, out var length);
            if (!IsShown(rune))
            {
                safe ??= new StringBuilder(text, 0, i, text.Length + 16);
                safe.Append(rune.Value < 0x100 ? "\\x" : "\\u").Append(rune.Value.ToString(rune.Value < 0x100 ? "x2" : "x4", CultureInfo.InvariantCulture));
            }
            else
            {
                safe?.Append(rune);
            }

            i += length;
        }

        return safe?.ToString() ?? text;
    }

    private static bool IsShown(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
