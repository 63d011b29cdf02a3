using System.Globalization;

namespace GpuScheduler.Core.Requests;

/// <summary>Values that the owner of an object wrote, and what is said of one that cannot be used.</summary>
internal static class FieldValue
{
    /// <summary>"FIELD: "VALUE" cannot be used: ALLOWED", with the value cut to what an event message bears.</summary>
    public static string CannotBeUsed(string field, string value, string allowed)
    {
        const int Longest = 80;
        var shown = value.Length <= Longest ? value : string.Concat(value.AsSpan(0, Longest), "…");
        return $"{field}: \"{shown}\" cannot be used: {allowed}";
    }

    /// <summary>A whole number without sign, blanks or separators, within bounds.</summary>
    public static bool TryInteger(string value, int least, int most, out int number) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= least && number <= most;
}
