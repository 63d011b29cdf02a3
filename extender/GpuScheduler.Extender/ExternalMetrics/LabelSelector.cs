using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace GpuScheduler.Extender.ExternalMetrics;

/// <summary>
/// A label selector in the form of a query parameter: requirements separated by commas, all of which must hold. Source: Kubernetes
/// documentation, "Labels and Selectors".
/// </summary>
internal sealed partial class LabelSelector
{
    /// <summary>Longest selector that is read.</summary>
    private const int MostCharacters = 4096;

    private readonly List<(string Key, Func<string?, bool> Holds)> _requirements = [];

    private LabelSelector()
    {
    }

    public static bool TryParse(string text, [NotNullWhen(true)] out LabelSelector? selector, [NotNullWhen(false)] out string? why)
    {
        selector = null;
        if (text.Length > MostCharacters)
        {
            why = $"the label selector is longer than {MostCharacters} characters";
            return false;
        }

        var result = new LabelSelector();
        foreach (var part in text.Trim().Length == 0 ? [] : Commas().Split(text))
        {
            if (Read(part.Trim()) is not { } requirement)
            {
                why = $"the label selector has \"{part.Trim()}\": key=value, key!=value, key in (a,b), key notin (a,b), key or !key is allowed";
                return false;
            }

            result._requirements.Add(requirement);
        }

        (selector, why) = (result, null);
        return true;
    }

    /// <summary>True when a requirement is about a key.</summary>
    public bool Names(string key) => _requirements.Any(r => r.Key == key);

    public bool Matches(IReadOnlyDictionary<string, string> labels) => _requirements.All(r => r.Holds(labels.GetValueOrDefault(r.Key)));

    private static (string Key, Func<string?, bool> Holds)? Read(string text)
    {
        var match = Requirement().Match(text);
        if (!match.Success)
        {
            return null;
        }

        var (key, values) = (match.Groups["key"].Value, match.Groups["values"].Value.Split(',').Select(v => v.Trim()).ToHashSet(StringComparer.Ordinal));
        return (match.Groups["op"].Value.Trim(), match.Groups["not"].Length > 0) switch
        {
            ("", true) => (key, v => v is null),
            ("", false) => (key, v => v is not null),
            (_, true) => null,
            ("=" or "==" or "in", _) => (key, v => v is not null && values.Contains(v)),
            _ => (key, v => v is null || !values.Contains(v)),
        };
    }

    /// <summary>Commas outside parentheses.</summary>
    [GeneratedRegex(@",(?![^(]*\))")]
    private static partial Regex Commas();

    [GeneratedRegex(@"^(?<not>!?)\s*(?<key>[A-Za-z0-9][-A-Za-z0-9_./]*)(?:\s*(?<op>==?|!=)\s*(?<values>[-A-Za-z0-9_.]*)|\s+(?<op>in|notin)\s*\((?<values>[-A-Za-z0-9_., ]*)\))?$")]
    private static partial Regex Requirement();
}
