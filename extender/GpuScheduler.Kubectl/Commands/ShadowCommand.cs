using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>shadow: what another profile would have made of the pods.</summary>
internal static class ShadowCommand
{
    private static readonly (string Name, string Words)[] s_figures =
    [
        ("allocatedGpus", "GPUs in use"),
        ("idleGpus", "GPUs left"),
        ("idleWholeGpus", "- whole"),
        ("idleShareGpus", "- for shares"),
        ("idleMigGpus", "- for MIG devices"),
        ("strandedGpus", "- stranded"),
        ("waitingPods", "pods that wait"),
        ("waitingGangs", "gangs that wait"),
        ("waitingGpus", "GPUs they wait for"),
        ("refusedPods", "pods without a place at first"),
        ("refusedGangs", "gangs without a place at some time"),
        ("displacedPods", "pods whose node went"),
        ("linkRatio", "links of several GPUs (1 at best)"),
        ("gangSpread", "spread of gangs (1 at best)"),
        ("decisionSeconds", "time of a decision"),
    ];

    public static Command Create(Session session)
    {
        var command = new Command("shadow", """
            Compares the profile that decides without effect (Shadow:Profile) with the one that serves: GPUs left, who waits, links, and which pods were decided differently.
            Example: kubectl gpu shadow
            """);
        session.Run(command, async (_, cluster, cancellation) =>
        {
            var json = await cluster.AskAsync("v1/shadow", cancellation);
            return new Answer(json, screen => Show(screen, json));
        });
        return command;
    }

    private static void Show(Screen screen, JsonObject json)
    {
        if (json.At("figures") is not { } figures)
        {
            screen.Line(json.Text("text") + (json.Text("lastEnd") is { Length: > 0 } end ? $" (it ended: {end})" : ""));
            return;
        }

        var other = json.Text("comparedWith");
        screen.Line($"Profile {json.Text("profile")} ({json.Text("policy")}) since {json.Text("since")}, compared with: {other}.");
        var sides = figures.Fields().Select(f => f.Key).ToList();
        screen.Table(0, ["FIGURE", .. sides.Select(s => s.ToUpperInvariant())], s_figures.Select(f => new[] { f.Words }.Concat(sides.Select(s => Number(f.Name, figures.Text(s, f.Name), s == "difference"))).ToArray()));
        screen.Line($"Of {JsonView.Count(json.Number("pods"), "pod")} that came since and have not ended, {json.Text("places", "same")} are on the same node, {json.Text("places", "elsewhere")} on another, {json.Text("places", "referenceOnly")} have a place in the {other} alone, {json.Text("places", "shadowOnly")} in the shadow alone.");
        var differences = json.Items("differences").ToList();
        if (differences.Count > 0)
        {
            screen.Line();
            screen.Table(0, ["TIME", "POD", "GANG", "ASKS FOR", other.ToUpperInvariant(), "SHADOW"], differences.Select(d => new[]
            {
                d.Text("time"), d.Text("pod"), d.Text("gang"), d.Text("request"), Node(d.Text(other)), Node(d.Text("shadow")),
            }));
        }
    }

    private static string Node(string name) => name.Length > 0 ? name : "no place";

    private static string Number(string figure, string text, bool isDifference)
    {
        if (!double.TryParse(text, CultureInfo.InvariantCulture, out var value))
        {
            return "-";
        }

        var sign = isDifference && value > 0 ? "+" : "";
        return figure == "decisionSeconds"
            ? string.Create(CultureInfo.InvariantCulture, $"{sign}{value * 1000:0.###} ms")
            : string.Create(CultureInfo.InvariantCulture, $"{sign}{value:0.###}");
    }
}
