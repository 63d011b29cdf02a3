using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>Shows what became of gangs and pods when they were placed on a copy of the cluster.</summary>
internal static class Work
{
    private const int MostExamples = 3;

    /// <summary>The places of what has some.</summary>
    public static void ShowPlaces(Screen screen, IEnumerable<JsonNode?> work)
    {
        var rows = work.SelectMany(w => w.Items("places").Select(p => new[] { w.Text("name"), p.Text("pod"), p.Text("node"), JsonView.Devices(p.At("devices")), w.Flag("restarts") ? "the gang restarts as a whole" : "" })).ToList();
        if (rows.Count > 0)
        {
            screen.Table(0, ["JOB", "POD", "NODE", "DEVICES", ""], rows);
        }
    }

    /// <summary>What has no place, and why.</summary>
    public static void ShowRefused(Screen screen, IEnumerable<JsonNode?> work)
    {
        foreach (var item in work.Where(w => !w.Flag("fits")))
        {
            screen.Line($"{item.Text("kind")} {item.Text("name")} ({Size(item)}) does not fit: {item.Text("why")}");
        }
    }

    /// <summary>Its size in words.</summary>
    public static string Size(JsonNode? item) => $"{JsonView.Count(item.Number("pods"), "pod")}, {JsonView.Count(item.Number("devices"), "GPU device")}";

    /// <summary>Some names, and how many more there are.</summary>
    public static string Some(IReadOnlyCollection<string> names) =>
        names.Count <= MostExamples ? string.Join(", ", names) : $"{string.Join(", ", names.Take(MostExamples))} and {names.Count - MostExamples} more";
}
