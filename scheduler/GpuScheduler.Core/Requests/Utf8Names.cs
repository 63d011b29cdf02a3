using System.Buffers;
using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace GpuScheduler.Core.Requests;

/// <summary>A set of ASCII names that is asked for UTF-8 text, so that a reader need not make strings of names of others.</summary>
internal sealed class Utf8Names
{
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _names;
    private readonly int _longest;

    public Utf8Names(IEnumerable<string> names)
    {
        var set = names.ToFrozenSet(StringComparer.Ordinal);
        _names = set.GetAlternateLookup<ReadOnlySpan<char>>();
        _longest = set.Count == 0 ? 0 : set.Max(n => n.Length);
    }

    /// <summary>True when the text is one of the names.</summary>
    public bool TryFind(ReadOnlySpan<byte> utf8, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (utf8.Length > _longest)
        {
            return false;
        }

        Span<char> chars = stackalloc char[utf8.Length];
        return Ascii.ToUtf16(utf8, chars, out _) == OperationStatus.Done && _names.TryGetValue(chars, out name);
    }
}
