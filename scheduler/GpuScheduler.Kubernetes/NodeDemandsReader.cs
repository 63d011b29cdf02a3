using System.Collections.Immutable;
using System.Text.Json;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads what a pod asks of a node beside resources. What is not as expected, or not understood, is left to kube-scheduler to judge
/// (see <see cref="NodeDemands.Unjudged"/>) and is no fault: the API server has checked it.
/// </summary>
internal static class NodeDemandsReader
{
    private const string NameField = "metadata.name";

    /// <summary>Reads the demands.</summary>
    /// <param name="json">Stands on the name of the field "spec". Its object was read once already and is well formed.</param>
    /// <param name="plannedNode">The node that we added to the affinity, which is no demand of the pod; null for none.</param>
    public static NodeDemands Read(ref Utf8JsonReader json, string? plannedNode)
    {
        using var document = Parse(ref json);
        var spec = document.RootElement;
        if (spec.ValueKind != JsonValueKind.Object)
        {
            return new NodeDemands([], [], []);
        }

        var selector = Member(spec, "nodeSelector") is { ValueKind: JsonValueKind.Object } pairs
            ? pairs.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new NodeRequirement(p.Name, "In", [Text(p.Value)])).ToImmutableArray()
            : [];
        var affinity = Member(spec, "affinity");
        var terms = Elements(Member(Member(Member(affinity, "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution"), "nodeSelectorTerms"))
            .Select(t => Term(t, plannedNode)).ToList();

        // A term that was ours alone, and one that says nothing: any node will do.
        if (terms.Exists(t => t is { IsEmpty: true }))
        {
            terms.Clear();
        }

        var tolerations = Elements(Member(spec, "tolerations"))
            .Select(t => new Toleration(Text(Member(t, "key")), Text(Member(t, "operator")) == "Exists", Text(Member(t, "value")), Text(Member(t, "effect")))).ToImmutableArray();
        return new NodeDemands(selector, [.. terms], tolerations, Unjudged(spec, affinity));
    }

    private static JsonDocument Parse(ref Utf8JsonReader json)
    {
        JsonFields.Advance(ref json, "spec");
        return JsonDocument.ParseValue(ref json);
    }

    private static ImmutableArray<NodeRequirement> Term(JsonElement term, string? plannedNode)
    {
        var requirements = ImmutableArray.CreateBuilder<NodeRequirement>();
        foreach (var requirement in Elements(Member(term, "matchExpressions")).Concat(Elements(Member(term, "matchFields"))))
        {
            var key = Text(Member(requirement, "key"));
            var values = Elements(Member(requirement, "values")).Select(v => Text(v)).ToImmutableArray();
            if (!(key == NameField && plannedNode is not null && values is [var name] && name == plannedNode))
            {
                requirements.Add(new NodeRequirement(key, Text(Member(requirement, "operator")), values));
            }
        }

        return requirements.ToImmutable();
    }

    /// <summary>Demands that depend on more than the node.</summary>
    private static string? Unjudged(JsonElement spec, JsonElement? affinity)
    {
        if (Elements(Member(Member(affinity, "podAffinity"), "requiredDuringSchedulingIgnoredDuringExecution")).Length > 0
            || Elements(Member(Member(affinity, "podAntiAffinity"), "requiredDuringSchedulingIgnoredDuringExecution")).Length > 0)
        {
            return "affinity to other pods";
        }

        if (Array.Exists(Elements(Member(spec, "topologySpreadConstraints")), c => Text(Member(c, "whenUnsatisfiable")) == "DoNotSchedule"))
        {
            return "topology spread";
        }

        if (Array.Exists(Elements(Member(spec, "volumes")), v => Member(v, "persistentVolumeClaim") is not null || Member(v, "ephemeral") is not null))
        {
            return "volumes";
        }

        if (Elements(Member(spec, "resourceClaims")).Length > 0)
        {
            return "resource claims";
        }

        return Elements(Member(spec, "containers")).SelectMany(c => Elements(Member(c, "ports"))).Any(p => Member(p, "hostPort") is { ValueKind: JsonValueKind.Number })
            ? "ports of the host"
            : null;
    }

    private static JsonElement? Member(JsonElement? element, string name) =>
        element is { ValueKind: JsonValueKind.Object } some && some.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static JsonElement[] Elements(JsonElement? element) => element is { ValueKind: JsonValueKind.Array } some ? [.. some.EnumerateArray()] : [];

    private static string Text(JsonElement? element) => element is { ValueKind: JsonValueKind.String } some ? some.GetString() ?? "" : "";
}
