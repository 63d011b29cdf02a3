using System.Text.Json;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Extender.Inspection;

/// <summary>GET /v1/mig: which MIG layouts are being changed, for whom and by which plan, and what is left alone for a while. Read-only.</summary>
internal sealed class MigEndpoints(MigController? controller = null)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/mig", ShowAsync);

    private async Task ShowAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteBoolean("enabled", controller is not null);
        Write(json, controller?.View ?? MigView.Empty);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, MigView view)
    {
        json.WriteStartArray("changes");
        foreach (var change in view.Changes)
        {
            json.WriteStartObject();
            json.WriteString("node", change.Node);
            json.WriteString("from", change.From);
            json.WriteString("to", change.To);
            json.WriteString("phase", change.Phase.ToString().ToLowerInvariant());
            json.WriteString("since", change.Since);
            json.WriteString("state", change.State);
            json.WriteString("problem", change.Problem);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("paused");
        foreach (var (what, (until, why)) in view.Paused)
        {
            json.WriteStartObject();
            json.WriteString("what", what);
            json.WriteString("until", until);
            json.WriteString("why", why);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("waitingPods", view.Waiting);
        json.WriteNumber("waitingPodsNotPlannedFor", view.Passed);
        json.WritePropertyName("lastPlan");
        if (view.LastPlan is { } plan)
        {
            WritePlan(json, plan);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteStartArray("history");
        foreach (var (at, notice) in view.History)
        {
            json.WriteStartObject();
            json.WriteString("at", at);
            json.WriteString("node", notice.Node);
            json.WriteString("what", notice.Kind.ToString().ToLowerInvariant());
            json.WriteString("note", notice.Note);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePlan(Utf8JsonWriter json, MigClusterPlan plan)
    {
        json.WriteStartObject();
        json.WriteStartArray("changes");
        foreach (var change in plan.Changes)
        {
            json.WriteStartObject();
            json.WriteString("node", change.Node);
            json.WriteString("to", change.Config.Name);
            json.WriteNumber("gpus", change.Disturbed);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("demand");
        for (var d = 0; d < plan.Problem.Demands.Length; d++)
        {
            json.WriteStartObject();
            json.WriteString("profile", plan.Problem.Demands[d].Name);
            json.WriteNumber("pods", plan.Problem.Demands[d].Count);
            json.WriteNumber("placeable", plan.Plan.Served[d]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        ProofJson.Write(json, plan.Plan.Proof);
        json.WriteEndObject();
    }
}
