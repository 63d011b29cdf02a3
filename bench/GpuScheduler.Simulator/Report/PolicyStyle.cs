namespace GpuScheduler.Simulator.Report;

/// <summary>How a policy is drawn, the same in the whole report.</summary>
/// <param name="Name">Name as shown.</param>
/// <param name="Index">Number of its style, from 0. The first has a colour to itself, the others repeat theirs with other dashes.</param>
/// <param name="Own">True for the engine's own policy.</param>
internal sealed record PolicyStyle(string Name, int Index, bool Own)
{
    /// <summary>How many colours the style sheet has beside the first.</summary>
    private const int Colours = 7;

    private static readonly string[] s_dashes = ["none", "7 3", "2 3", "9 3 2 3"];

    /// <summary>Class that sets the colour.</summary>
    public string ColourClass => "c" + (Index == 0 ? 0 : 1 + ((Index - 1) % Colours)).ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Dashes, a second sign beside the colour.</summary>
    public string Dashes => Own ? "none" : s_dashes[(Index + (2 * (Math.Max(0, Index - 1) / Colours))) % s_dashes.Length];

    /// <summary>Gives each policy of a report its style: own policies first, then in order of appearance.</summary>
    public static IReadOnlyDictionary<string, PolicyStyle> Assign(ReportModel model)
    {
        var styles = new Dictionary<string, PolicyStyle>(StringComparer.Ordinal);
        foreach (var policy in model.Scenarios.SelectMany(s => s.Policies).OrderBy(p => p.Own ? 0 : 1))
        {
            styles.TryAdd(policy.Id, new PolicyStyle(policy.Name, styles.Count, policy.Own));
        }

        return styles;
    }
}
