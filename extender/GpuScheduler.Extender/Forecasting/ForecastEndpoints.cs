using System.Globalization;
using System.Text.Json;
using GpuScheduler.Forecast;

namespace GpuScheduler.Extender.Forecasting;

/// <summary>GET /v1/forecast: what demand is expected, with bounds, by which methods and why. Read-only.</summary>
internal sealed class ForecastEndpoints(ForecastSettings settings, ForecastService? service)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/forecast", ShowAsync);

    private async Task ShowAsync(HttpContext context)
    {
        var view = service?.View ?? ForecastView.Empty;
        var hours = settings.Horizon.TotalHours;
        var (asked, model) = (context.Request.Query["hours"].ToString(), context.Request.Query["model"].ToString());
        model = model.Length > 0 ? model : ForecastView.All;
        if (service is null)
        {
            await AnswerAsync(context, StatusCodes.Status404NotFound, Error("demand is not forecast here: set Forecast:Path, or Forecast:Enabled to true"));
        }
        else if (asked.Length > 0 && !(double.TryParse(asked, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out hours) && hours > 0 && hours <= settings.Horizon.TotalHours))
        {
            await AnswerAsync(context, StatusCodes.Status400BadRequest, Error(string.Create(CultureInfo.InvariantCulture, $"hours is \"{asked}\": a number above 0 and at most {settings.Horizon.TotalHours:0.##} is allowed (Forecast:Horizon)")));
        }
        else if (!view.Results.TryGetValue(model, out var result) && model != ForecastView.All)
        {
            await AnswerAsync(context, StatusCodes.Status404NotFound, Error($"no pod has named the models \"{model}\"; there are {string.Join(", ", view.Results.Keys.DefaultIfEmpty(ForecastView.All))}"));
        }
        else if (result?.Forecast is not { } forecast)
        {
            await AnswerAsync(context, StatusCodes.Status503ServiceUnavailable, json =>
            {
                json.WriteString("error", $"there is no forecast yet: {result?.Refusal ?? "no demand has been recorded yet"}");
                WriteHistory(json, view);
            });
        }
        else
        {
            await AnswerAsync(context, StatusCodes.Status200OK, json =>
            {
                json.WriteString("model", model);
                json.WriteStartArray("models");
                foreach (var name in view.Results.Keys)
                {
                    json.WriteStringValue(name);
                }

                json.WriteEndArray();
                WriteHistory(json, view);
                WriteForecast(json, forecast, TimeSpan.FromHours(hours));
            });
        }
    }

    private void WriteHistory(Utf8JsonWriter json, ForecastView view)
    {
        json.WriteStartObject("history");
        if (view.Newest is { } newest)
        {
            json.WriteString("from", DemandSeries.TimeOf(view.First, settings.Step));
            json.WriteString("to", DemandSeries.TimeOf(newest.Number + 1, settings.Step));
            json.WriteNumber("samples", view.Samples);
            json.WriteNumber("missing", newest.Number + 1 - view.First - view.Samples);
            json.WriteNumber("gpus", Math.Round(newest.Gpus, 3));
            json.WriteNumber("waiting", Math.Round(newest.Waiting, 3));
        }

        json.WriteString("file", settings.OwnPath);
        json.WriteString("problem", view.Problem);
        json.WriteEndObject();
    }

    private static void WriteForecast(Utf8JsonWriter json, DemandForecast forecast, TimeSpan ahead)
    {
        json.WriteString("why", forecast.Why);
        json.WriteNumber("confidence", Forecaster.Confidence);
        json.WriteStartArray("leads");
        foreach (var lead in forecast.Leads)
        {
            json.WriteStartObject();
            json.WriteNumber("upToSeconds", lead.UpTo.TotalSeconds);
            json.WriteString("method", lead.Method);
            json.WriteNumber("mae", Math.Round(lead.Mae, 3));
            json.WriteNumber("ratio", Math.Round(lead.Ratio, 3));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("methods");
        foreach (var score in forecast.Scores)
        {
            json.WriteStartObject();
            json.WriteString("method", score.Method);
            json.WriteNumber("mae", Math.Round(score.Mae, 3));
            json.WriteNumber("mase", Math.Round(score.Mase, 3));
            json.WriteNumber("ratio", Math.Round(score.Ratio, 3));
            json.WriteStartArray("byLead");
            foreach (var error in score.ByLead)
            {
                json.WriteStartObject();
                json.WriteNumber("upToSeconds", error.UpTo.TotalSeconds);
                json.WriteNumber("mae", Math.Round(error.Mae, 3));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("stepSeconds", forecast.Step.TotalSeconds);
        json.WriteNumber("horizonSeconds", forecast.Horizon.TotalSeconds);
        json.WriteStartArray("points");
        for (var i = 0; i < forecast.Points.Length && i * forecast.Step < ahead; i++)
        {
            json.WriteStartObject();
            json.WriteString("at", forecast.From + (i * forecast.Step));
            json.WriteNumber("gpus", Math.Round(forecast.Points[i].Expected, 3));
            json.WriteNumber("low", Math.Round(forecast.Points[i].Low, 3));
            json.WriteNumber("high", Math.Round(forecast.Points[i].High, 3));
            json.WriteString("method", forecast.Points[i].Method);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static Action<Utf8JsonWriter> Error(string message) => json => json.WriteString("error", message);

    private static async Task AnswerAsync(HttpContext context, int status, Action<Utf8JsonWriter> write)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
    }
}
