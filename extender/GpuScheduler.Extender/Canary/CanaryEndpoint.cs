using System.Text.Json;
using GpuScheduler.Core.Framework;

namespace GpuScheduler.Extender.Canary;

/// <summary>GET /v1/canary: how the canary does, and with ?namespace=NAME which profile decides for that namespace. Read-only.</summary>
internal sealed class CanaryEndpoint(EngineControl control, SchedulingEngine engine)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/canary", ShowAsync);

    private async Task ShowAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        if (context.Request.Query["namespace"].ToString() is { Length: > 0 } name)
        {
            json.WriteStartObject();
            json.WriteString("namespace", name);
            json.WriteString("profile", engine.ProfileFor(name) ?? Profile.BaseName);
            json.WriteEndObject();
        }
        else
        {
            CanaryJson.Write(json, control.Canary);
        }
    }
}
