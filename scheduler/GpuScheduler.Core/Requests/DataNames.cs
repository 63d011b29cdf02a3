namespace GpuScheduler.Core.Requests;

/// <summary>Names of data sets and models, as pods and nodes write them.</summary>
public static class DataNames
{
    /// <summary>What a name may be, for error messages.</summary>
    public const string Grammar = "letters, digits and . _ - / : beginning with a letter or a digit, 253 at most";

    private const int Longest = 253;

    /// <summary>True for a name that can be used, such as imagenet, meta-llama/Llama-3-70b or fluid/default-hbase.</summary>
    public static bool IsName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > Longest || !char.IsAsciiLetterOrDigit(name[0]))
        {
            return false;
        }

        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '-' or '/' or ':'))
            {
                return false;
            }
        }

        return true;
    }
}
