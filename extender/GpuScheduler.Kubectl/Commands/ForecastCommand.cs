using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using GpuScheduler.Kubectl.Output;

namespace GpuScheduler.Kubectl.Commands;

/// <summary>forecast: how many GPUs will be demanded.</summary>
internal static class ForecastCommand
{
    /// <summary>Rows of the table: few enough for a screen.</summary>
    private const int MostRows = 24;

    /// <summary>Characters of the longest bar.</summary>
    private const int Width = 40;

    public static Command Create(Session session)
    {
        var hours = new Option<double?>("--hours") { Description = "How far ahead, in hours. Default: as far as the service forecasts.", HelpName = "HOURS" };
        var model = new Option<string?>("--model") { Description = "Of the pods that name this model alone.", HelpName = "MODEL" };
        var command = new Command("forecast", """
            Says how many GPUs pods will demand, running and waiting, with bounds, and by which methods. Needs the setting Forecast:Path or Forecast:Enabled.
            Example: kubectl gpu forecast; kubectl gpu forecast --hours 6 --model A100
            """) { hours, model };
        session.Run(command, async (parsed, cluster, cancellation) =>
        {
            string[] query =
            [
                parsed.GetValue(hours) is { } ahead ? string.Create(CultureInfo.InvariantCulture, $"hours={ahead:0.####}") : "",
                parsed.GetValue(model) is { } name ? $"model={Uri.EscapeDataString(name)}" : "",
            ];
            var json = await cluster.AskAsync($"v1/forecast?{string.Join('&', query.Where(q => q.Length > 0))}".TrimEnd('?'), cancellation);
            return new Answer(json, screen => Show(screen, json));
        });
        return command;
    }

    private static void Show(Screen screen, JsonObject json)
    {
        var points = json.Items("points").ToList();
        var thin = Math.Max(1, (points.Count + MostRows - 1) / MostRows);
        var most = points.Select(p => Amount(p, "high")).DefaultIfEmpty().Max();
        screen.Line($"now: {Number(Amount(json.At("history"), "gpus"))} GPUs, {Number(Amount(json.At("history"), "waiting"))} of them waited for");

        // Of the steps of a row the one with the highest bound: capacity has to do for all of them.
        screen.Table(0, ["FROM", "GPUS", "LOW", "HIGH", ""], points.Chunk(thin).Select(row => row.MaxBy(p => Amount(p, "high")) is var p
            ? new[] { row[0].Text("at"), Number(Amount(p, "gpus")), Number(Amount(p, "low")), Number(Amount(p, "high")), Bar(Amount(p, "low"), Amount(p, "gpus"), Amount(p, "high"), most) }
            : []));
        screen.Line();
        screen.Line(string.Create(CultureInfo.InvariantCulture, $"GPUS is expected; {Amount(json, "confidence") * 100:0} % lie between LOW and HIGH (-). {json.Text("why")}."));
        screen.Table(2, ["UP TO", "METHOD USED", "ERROR (GPUS)", "OF LAST VALUE'S"], json.Items("leads").Select(l => new[] { Ahead(Amount(l, "upToSeconds")), l.Text("method"), Number(Amount(l, "mae")), l.Text("ratio") }));
        screen.Line();
        screen.Table(2, ["METHOD", "ERROR (GPUS)", "OF LAST VALUE'S"], json.Items("methods").Select(m => new[] { m.Text("method"), Number(Amount(m, "mae")), m.Text("ratio") }));
        if (json.Text("history", "problem") is { Length: > 0 } problem)
        {
            screen.Line($"The history is kept in memory alone: {problem}");
        }
    }

    private static string Bar(double low, double expected, double high, double most)
    {
        int At(double gpus) => most > 0 ? (int)Math.Clamp(Math.Round(gpus / most * Width), 0, Width) : 0;
        return new string('#', At(low)) + new string('=', Math.Max(0, At(expected) - At(low))) + new string('-', Math.Max(0, At(high) - At(expected)));
    }

    private static string Ahead(double seconds) => seconds < 3600 ? $"{Number(seconds / 60)}m" : $"{Number(seconds / 3600)}h";

    private static string Number(double gpus) => gpus.ToString("0.#", CultureInfo.InvariantCulture);

    private static double Amount(JsonNode? node, string field) => double.TryParse(node.Text(field), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsFinite(value) ? Math.Clamp(value, 0, 1e9) : 0;
}
