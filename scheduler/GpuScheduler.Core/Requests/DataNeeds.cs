using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace GpuScheduler.Core.Requests;

/// <summary>
/// The data sets and models that a pod works on, of <see cref="GpuAnnotations.Data"/>: a preference, no demand. Equal when the same is
/// named in the same proportions.
/// </summary>
/// <param name="Items">Each name once, in ordinal order; never empty.</param>
public sealed record DataNeeds(ImmutableArray<DataNeed> Items)
{
    /// <summary>What <see cref="TryParse"/> accepts, for error messages.</summary>
    public const string Grammar = "names separated by ',' are allowed, each with its size if you like, for example imagenet,llama-70b=140Gi";

    private const int Most = 16;

    /// <summary>Reads the annotation. A name without a size counts as one of the mean size of the others.</summary>
    /// <param name="text">The annotation's value.</param>
    /// <param name="needs">What it says.</param>
    /// <param name="why">What is allowed instead.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out DataNeeds? needs, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(text);
        needs = null;
        var sizes = new SortedDictionary<string, long>(StringComparer.Ordinal); // 0 where none is given
        foreach (var item in text.Split(','))
        {
            var equals = item.IndexOf('=', StringComparison.Ordinal);
            var name = (equals < 0 ? item : item[..equals]).Trim();
            var size = 0L;
            if (!DataNames.IsName(name))
            {
                why = $"{Grammar}; a name has {DataNames.Grammar}";
                return false;
            }

            if (equals >= 0 && !(Quantity.TryParseBytes(item.AsSpan(equals + 1).Trim(), out size) && size > 0))
            {
                why = $"the size of {name} is not {Quantity.Grammar}";
                return false;
            }

            if (!sizes.TryAdd(name, size))
            {
                why = $"{name} is named twice";
                return false;
            }

            if (sizes.Count > Most)
            {
                why = $"at most {Most} names are allowed";
                return false;
            }
        }

        var given = sizes.Values.Where(s => s > 0).Select(s => (double)s).ToArray();
        var mean = given.Length == 0 ? 1 : given.Average();
        var all = sizes.Values.Sum(s => s > 0 ? s : mean);
        needs = new DataNeeds([.. sizes.Select(s => new DataNeed(s.Key, (s.Value > 0 ? s.Value : mean) / all))]);
        why = null;
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(DataNeeds? other) => ReferenceEquals(this, other) || (other is not null && Items.AsSpan().SequenceEqual(other.Items.AsSpan()));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = Items.Length;
        foreach (var item in Items)
        {
            hash = HashCode.Combine(hash, item);
        }

        return hash;
    }
}
