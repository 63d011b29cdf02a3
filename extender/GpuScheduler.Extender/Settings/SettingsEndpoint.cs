using System.Text.Json;
using GpuScheduler.Extender.Canary;

namespace GpuScheduler.Extender.Settings;

/// <summary>GET /v1/config: the settings in effect, and what became of the last change. Read-only; secrets are not shown.</summary>
internal sealed class SettingsEndpoint(SettingsReloader reloader, EngineControl engine)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/config", ShowAsync);

    private async Task ShowAsync(HttpContext context)
    {
        var state = reloader.State;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteString("file", reloader.File);
        json.WriteNumber("generation", state.Generation);
        json.WriteString("loadedAt", state.LoadedAt);
        json.WriteStartArray("waitingForStart");
        foreach (var waiting in state.Waiting)
        {
            json.WriteStartObject();
            json.WriteString("name", waiting.Name);
            json.WriteString("now", waiting.Now);
            json.WriteString("then", waiting.Then);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (state.Refused is { } refused)
        {
            json.WriteStartObject("refused");
            json.WriteString("at", refused.At);
            json.WriteStartArray("reasons");
            foreach (var reason in refused.Reasons)
            {
                json.WriteStringValue(reason);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("refused");
        }

        json.WritePropertyName("canary");
        CanaryJson.Write(json, engine.Canary);
        json.WriteStartArray("settings");
        foreach (var setting in SettingsTable.Of(reloader.Settings.Options).Values)
        {
            json.WriteStartObject();
            json.WriteString("name", setting.Name);
            json.WriteString("value", setting.Shown);
            json.WriteString("default", setting.Default);
            json.WriteBoolean("isDefault", setting.Value == setting.Default);
            json.WriteString("takesEffect", LiveSettings.Has(setting.Name) ? "at once" : "at start");
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
