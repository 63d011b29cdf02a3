using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Cluster;

/// <summary>
/// What a node says of the data that it caches or can reach, in words: names, and how near what it only reaches is, as in
/// <c>imagenet@rack</c>.
/// </summary>
public static class DataReach
{
    /// <summary>Most names that are kept of one node.</summary>
    public const int Most = 4096;

    /// <summary>
    /// Prefix of the labels by which Fluid marks the nodes that cache part of a dataset: fluid.io/s-NAMESPACE-NAME, and once more with the
    /// kind of the runtime before the namespace, both "true". Labels that begin likewise and hold an amount have other values. Source:
    /// fluid-cloudnative/fluid, pkg/utils (GetCommonLabelName) and the labels that its tests expect.
    /// </summary>
    internal const string FluidPrefix = "fluid.io/s-";

    /// <summary>What stands before the rest of Fluid's label in the name of the data: fluid/NAMESPACE-NAME.</summary>
    private const string FluidName = "fluid/";

    /// <summary>How near data are that lie on the node.</summary>
    private const double Here = 1;

    /// <summary>How near data are that the node reaches, when nothing says over which level of the network.</summary>
    private const double SomewhereNear = 0.2;

    /// <summary>How much less near each level of the network is, from <see cref="Innermost"/> on.</summary>
    private const double Step = 0.1;

    private const double Innermost = 0.8;

    /// <summary>
    /// How near data are that lie within the same domain of a level: from 0.8 for an NVLink domain in steps of 0.1 to 0.3 for a zone
    /// (<see cref="NetworkLevel.Defaults"/>, by name or label). Null for a level that is not known.
    /// </summary>
    internal static double? NearnessWithin(string level)
    {
        for (var i = 0; i < NetworkLevel.Defaults.Length; i++)
        {
            if (NetworkLevel.Defaults[i].Name == level || NetworkLevel.Defaults[i].Labels.Contains(level))
            {
                return Innermost - (Step * i);
            }
        }

        return null;
    }

    /// <summary>The labels of a node that is like another and caches nothing yet.</summary>
    internal static IReadOnlyDictionary<string, string> WithoutCached(IReadOnlyDictionary<string, string> labels) =>
        labels.Keys.Any(k => k.StartsWith(FluidPrefix, StringComparison.Ordinal))
            ? labels.Where(l => !l.Key.StartsWith(FluidPrefix, StringComparison.Ordinal)).ToDictionary(StringComparer.Ordinal)
            : labels;

    /// <summary>Puts together what a node says, wherever it says it: of several statements about one name the nearest counts.</summary>
    /// <param name="node">The node.</param>
    /// <param name="report">Its report, or null.</param>
    /// <param name="warn">Told what cannot be used.</param>
    /// <returns>How near each data set or model is, from 0 to 1.</returns>
    internal static IReadOnlyDictionary<string, double> Read(NodeObject node, NodeReport? report, Action<string> warn)
    {
        var near = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (label, value) in node.Labels)
        {
            if (value == "true" && label.StartsWith(FluidPrefix, StringComparison.Ordinal))
            {
                Add(FluidName + label[FluidPrefix.Length..], Here, label);
            }
        }

        AddAll(node.CachedData, isHere: true, "annotation " + GpuAnnotations.CachedData);
        AddAll(node.ReachableData, isHere: false, "annotation " + GpuAnnotations.ReachableData);
        foreach (var name in report?.CachedData ?? [])
        {
            AddOne(name, isHere: true, "cachedData of the report");
        }

        foreach (var name in report?.ReachableData ?? [])
        {
            AddOne(name, isHere: false, "reachableData of the report");
        }

        return near;

        void AddAll(string? list, bool isHere, string source)
        {
            foreach (var item in list?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [])
            {
                AddOne(item, isHere, source);
            }
        }

        void AddOne(string item, bool isHere, string source)
        {
            var at = isHere ? -1 : item.IndexOf('@', StringComparison.Ordinal);
            double? nearness = isHere ? Here : at < 0 ? SomewhereNear : NearnessWithin(item[(at + 1)..]);
            if (nearness is null)
            {
                warn(FieldValue.CannotBeUsed(source, item, $"after '@' one of {string.Join(", ", NetworkLevel.Defaults.Select(l => l.Name))} is allowed; its distance is taken as not known"));
            }

            Add(at < 0 ? item : item[..at], nearness ?? SomewhereNear, source);
        }

        void Add(string name, double nearness, string source)
        {
            if (!DataNames.IsName(name))
            {
                warn(FieldValue.CannotBeUsed(source, name, DataNames.Grammar + " are allowed; it is passed over"));
            }
            else if (near.Count >= Most && !near.ContainsKey(name))
            {
                warn($"more than {Most} data sets and models are named; those beyond are passed over");
            }
            else
            {
                near[name] = Math.Max(nearness, near.GetValueOrDefault(name));
            }
        }
    }
}
