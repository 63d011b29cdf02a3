using System.Text.Json;

namespace GpuScheduler.Extender.Shadow;

/// <summary>GET /v1/shadow: what another profile would have made of the pods. Read-only.</summary>
internal sealed class ShadowEndpoints(ExtenderOptions options, ShadowFeed? feed = null, ShadowService? service = null)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/shadow", ShowAsync);

    private async Task ShowAsync(HttpContext context)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-cache";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        if (service is null)
        {
            json.WriteString("state", "off");
            json.WriteString("text", "no shadow decides: name a profile with Shadow:Profile");
        }
        else
        {
            Write(json, service.Status);
        }

        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, ShadowStatus status)
    {
        json.WriteString("state", ShadowMetrics.Word(status.State));
        json.WriteString("text", status.State switch
        {
            ShadowState.Running when status.View is not null => "the shadow decides",
            ShadowState.Paused => "the last comparison could not go on; another begins in a while",
            _ => "this replica does not decide, or has not read the cluster yet",
        });
        json.WriteString("profile", options.Shadow.Profile);
        json.WriteString("policy", options.Profiles[options.Shadow.Profile!].Policy);
        json.WriteNumber("queue", feed!.Count);
        json.WriteNumber("ends", status.Ends);
        json.WriteString("lastEnd", status.LastEnd is { } end ? ShadowMetrics.Word(end) : null);
        if (status.View is not { } view)
        {
            return;
        }

        json.WriteString("since", view.Since);
        json.WriteString("at", view.At);
        json.WriteNumber("gpus", view.Sides[0].Figures.Gpus);
        json.WriteNumber("pods", view.Pods);
        json.WriteString("comparedWith", view.Reference.Name);
        json.WriteStartObject("places");
        json.WriteNumber("same", view.Places.Same);
        json.WriteNumber("elsewhere", view.Places.Elsewhere);
        json.WriteNumber("referenceOnly", view.Places.ReferenceOnly);
        json.WriteNumber("shadowOnly", view.Places.ShadowOnly);
        WriteNumber(json, "partElsewhere", view.Places.PartElsewhere);
        json.WriteEndObject();
        json.WriteStartObject("figures");
        foreach (var (name, side) in view.Sides)
        {
            WriteFigures(json, name, figure => figure.Of(side));
        }

        WriteFigures(json, "difference", view.Difference);
        json.WriteEndObject();
        WriteDifferences(json, view);
        WriteHistory(json, view);
    }

    private static void WriteFigures(Utf8JsonWriter json, string name, Func<ShadowFigure, double?> value)
    {
        json.WriteStartObject(name);
        foreach (var figure in ShadowFigure.All)
        {
            WriteNumber(json, figure.Name, value(figure));
        }

        json.WriteEndObject();
    }

    private static void WriteDifferences(Utf8JsonWriter json, ShadowView view)
    {
        json.WriteStartArray("differences");
        foreach (var difference in view.Differences)
        {
            json.WriteStartObject();
            json.WriteString("time", difference.Time);
            json.WriteString("pod", difference.Pod);
            json.WriteString("request", difference.Request);
            json.WriteString("gang", difference.Gang);
            json.WriteString(view.Reference.Name, difference.Reference);
            json.WriteString(ShadowView.Shadow, difference.Shadow);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteHistory(Utf8JsonWriter json, ShadowView view)
    {
        json.WriteStartObject("history");
        json.WriteStartArray("time");
        foreach (var point in view.History)
        {
            json.WriteStringValue(point.Time);
        }

        json.WriteEndArray();
        Series("idleGpus", p => p.Idle);
        Series("waitingGpus", p => p.Waiting);
        json.WriteEndObject();

        void Series(string name, Func<ShadowPoint, double[]> values)
        {
            json.WriteStartObject(name);
            for (var side = 0; side < view.Sides.Length; side++)
            {
                json.WriteStartArray(view.Sides[side].Name);
                foreach (var point in view.History)
                {
                    json.WriteNumberValue(Rounded(values(point)[side]));
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, Rounded(number));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>To a millionth, so that sums of parts do not end in a tail of digits.</summary>
    private static double Rounded(double value) => Math.Round(value, 6);
}
