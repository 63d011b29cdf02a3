using System.Collections.Immutable;
using System.Globalization;

namespace GpuScheduler.Core.Requests;

/// <summary>One condition of a node selector.</summary>
/// <param name="Key">The label.</param>
/// <param name="Operator">In, NotIn, Exists, DoesNotExist, Gt or Lt, as Kubernetes has them.</param>
/// <param name="Values">What it is compared with.</param>
public sealed record NodeRequirement(string Key, string Operator, ImmutableArray<string> Values)
{
    /// <summary>True when a node whose label has this value, null when it has none, meets the condition. An operator that is not known is met by none.</summary>
    public bool IsMetBy(string? value) => Operator switch
    {
        "In" => value is not null && Values.Contains(value),
        "NotIn" => value is null || !Values.Contains(value),
        "Exists" => value is not null,
        "DoesNotExist" => value is null,
        "Gt" => TryNumbers(value, out var has, out var than) && has > than,
        "Lt" => TryNumbers(value, out var has, out var than) && has < than,
        _ => false,
    };

    /// <inheritdoc/>
    public override string ToString() => Values.IsEmpty ? $"{Key} {Operator}" : $"{Key} {Operator} ({string.Join(", ", Values)})";

    private bool TryNumbers(string? value, out long has, out long than)
    {
        than = 0;
        return long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out has)
            && Values.Length == 1
            && long.TryParse(Values[0], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out than);
    }
}
