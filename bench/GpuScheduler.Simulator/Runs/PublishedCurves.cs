using GpuScheduler.Simulator.Input;

namespace GpuScheduler.Simulator.Runs;

/// <summary>
/// The published results of the openb experiment, a row a trace, policy and seed: allocation at loads (columns alloc@80 and so on, in %,
/// two decimals) and the ratio of fragments (fragratio@100 and so on, in %).
/// </summary>
/// <param name="Trace">Name of the trace.</param>
/// <param name="Policy">Name of the policy here.</param>
/// <param name="Seed">The seed.</param>
/// <param name="Allocation">Allocation by load.</param>
/// <param name="FragmentRatio">Ratio of fragments by load.</param>
internal sealed record PublishedCurves(string Trace, string Policy, long Seed, IReadOnlyList<(int Load, double Percent)> Allocation, IReadOnlyList<(int Load, double Percent)> FragmentRatio)
{
    /// <summary>The usual name of the file, beside the arrival orders.</summary>
    public const string UsualFile = "expected_per_seed.csv";

    private const string AllocationColumn = "alloc@";
    private const string FragmentColumn = "fragratio@";

    /// <summary>Published names of the policies that can be replayed. Random cannot: its order depended on the timing of threads.</summary>
    private static readonly Dictionary<string, string> s_policies = new(StringComparer.Ordinal)
    {
        ["FGD"] = "fgd",
        ["BestFit"] = "bestfit",
        ["DotProd"] = "dotproduct",
        ["GpuPacking"] = "gpupacking",
        ["GpuClustering"] = "gpuclustering",
    };

    /// <summary>The policies that can be replayed.</summary>
    public static IEnumerable<string> Policies => s_policies.Values;

    /// <summary>Reads the rows of policies that can be replayed.</summary>
    public static IReadOnlyList<PublishedCurves> Read(string path)
    {
        using var table = CsvTable.Open(path, "the published results");
        var (trace, policy, seed) = (table.Column("trace"), table.Column("policy"), table.Column("seed"));
        var allocation = Loads(table, AllocationColumn);
        var fragments = Loads(table, FragmentColumn);
        if (allocation.Count == 0)
        {
            throw new InputException($"{path}:1: columns such as {AllocationColumn}100 are missing");
        }

        var rows = new List<PublishedCurves>();
        while (table.Next())
        {
            if (s_policies.TryGetValue(table.Text(policy), out var ours))
            {
                rows.Add(new PublishedCurves(
                    table.Text(trace),
                    ours,
                    table.Whole(seed),
                    [.. allocation.Where(c => table.Text(c.Column).Length > 0).Select(c => (c.Load, table.Number(c.Column)))],
                    [.. fragments.Where(c => table.Text(c.Column).Length > 0).Select(c => (c.Load, table.Number(c.Column)))]));
            }
        }

        return rows;
    }

    private static List<(int Load, int Column)> Loads(CsvTable table, string prefix) =>
    [
        .. table.Columns.Where(c => c.StartsWith(prefix, StringComparison.Ordinal) && int.TryParse(c.AsSpan(prefix.Length), System.Globalization.CultureInfo.InvariantCulture, out _))
            .Select(c => (int.Parse(c.AsSpan(prefix.Length), System.Globalization.CultureInfo.InvariantCulture), table.Column(c))),
    ];
}
