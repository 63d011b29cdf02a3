using System.Text.Json;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Extender.Inspection;

/// <summary>GET /v1/gangs and /v1/gangs/{namespace}/{name}: where gangs stand, why, and by which plan. Read-only.</summary>
internal sealed class GangEndpoints(SchedulingEngine engine)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/gangs", ListAsync);
        routes.MapGet("/v1/gangs/{namespace}/{name}", ShowAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray("gangs");
        foreach (var gang in engine.Gangs?.List() ?? [])
        {
            json.WriteStartObject();
            WriteSummary(json, gang);
            json.WriteEndObject();
            if (json.BytesPending > 32 * 1024)
            {
                await json.FlushAsync(context.RequestAborted);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task ShowAsync(HttpContext context)
    {
        var (space, name) = ((string)context.Request.RouteValues["namespace"]!, (string)context.Request.RouteValues["name"]!);
        var gangs = engine.Gangs?.Find(space, name) ?? [];
        var dialect = context.Request.Query["dialect"].ToString();
        var gang = gangs.FirstOrDefault(g => dialect.Length == 0 || g.Group.Key.Dialect == dialect);
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        if (gang is not null)
        {
            WriteSummary(json, gang);
            WriteDetail(json, gang);
        }
        else
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            json.WriteString("error", $"gang {space}/{name} is not known; GET /v1/gangs lists those that are");
        }

        json.WriteEndObject();
    }

    private static void WriteSummary(Utf8JsonWriter json, GangView gang)
    {
        var group = gang.Group;
        json.WriteString("namespace", group.Key.Namespace);
        json.WriteString("name", group.Key.Name);
        json.WriteString("dialect", group.Key.Dialect);
        json.WriteString("state", gang.State.ToString().ToLowerInvariant());
        json.WriteString("reason", gang.Reason);
        json.WriteNumber("minMembers", group.MinMembers);
        json.WriteNumber("size", group.Size);
        json.WriteNumber("present", group.Members.Length);
        json.WriteNumber("placed", gang.Members.Count(m => m is { WantsGpu: true, Allocation: not null }));
        json.WriteNumber("bound", group.Members.Count(m => m.NodeName is not null));
        json.WriteNumber("priority", group.Priority);
        if (gang.QueuePlace is { } queuePlace)
        {
            json.WriteNumber("queuePlace", queuePlace);
        }

        if (!gang.KeptNodes.IsEmpty)
        {
            json.WriteStartArray("keptNodes");
            foreach (var node in gang.KeptNodes)
            {
                json.WriteStringValue(node);
            }

            json.WriteEndArray();
        }
    }

    private static void WriteDetail(Utf8JsonWriter json, GangView gang)
    {
        if (gang.Expires is { } expires)
        {
            json.WriteString("expires", expires);
        }

        json.WritePropertyName("plan");
        if (gang.Plan is { } plan)
        {
            WritePlan(json, gang, plan);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteStartArray("members");
        foreach (var member in gang.Members)
        {
            json.WriteStartObject();
            json.WriteString("pod", member.Name);
            json.WriteString("uid", member.Uid);
            if (member.Role.Length > 0)
            {
                json.WriteString("role", member.Role);
            }

            if (!member.WantsGpu)
            {
                json.WriteBoolean("counted", true);
            }

            if (member.Allocation is { } held)
            {
                json.WriteString("node", held.Node);
                json.WriteString("state", held.State.ToString().ToLowerInvariant());
                json.WritePropertyName("devices");
                json.WriteRawValue(held.Devices.ToAnnotation());
            }

            if (member.WaitsAtBind)
            {
                json.WriteBoolean("waitsAtBind", true);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("history");
        foreach (var past in gang.History)
        {
            json.WriteStartObject();
            json.WriteString("at", past.At);
            json.WriteString("what", past.What);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePlan(Utf8JsonWriter json, GangView gang, GangPlan plan)
    {
        json.WriteStartObject();
        json.WriteBoolean("placed", plan.IsPlaced);
        json.WriteString("domain", gang.Domain);
        ProofJson.Write(json, plan.Proof);
        json.WriteStartArray("domainsUsed");
        foreach (var count in plan.DomainsUsed)
        {
            json.WriteNumberValue(count);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
