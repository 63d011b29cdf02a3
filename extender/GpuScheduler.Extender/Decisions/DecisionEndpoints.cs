using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Extender.Decisions;

/// <summary>GET /v1/decisions, /v1/pods, /v1/pods/{namespace}/{name} and /v1/events. Read-only.</summary>
internal sealed class DecisionEndpoints(DecisionLog log, PodExplainer explainer, TimeProvider time, IHostApplicationLifetime lifetime)
{
    private const int UsualDecisions = 100;
    private const int MostDecisions = 10_000;

    /// <summary>Most pods that wait in one answer.</summary>
    private const int MostPods = 1000;

    /// <summary>How far a follower of events may fall behind before the connection is ended.</summary>
    private const int MostBehind = 1024;

    /// <summary>Often enough for proxies, which end what is silent for a minute.</summary>
    private static readonly TimeSpan s_heartbeat = TimeSpan.FromSeconds(15);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/decisions", ListAsync);
        routes.MapGet("/v1/pods", WaitingAsync);
        routes.MapGet("/v1/pods/{namespace}/{name}", ExplainAsync);
        routes.MapGet("/v1/events", FollowAsync);
    }

    private async Task ListAsync(HttpContext context)
    {
        var query = context.Request.Query;
        if (!TryReadName(query["pod"], out var pod) || !TryReadName(query["gang"], out var gang))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, "pod and gang are given as namespace/name, for example /v1/decisions?pod=default/train");
            return;
        }

        var limit = UsualDecisions;
        if (query["limit"].ToString() is { Length: > 0 } asked && (!int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MostDecisions))
        {
            await RefuseAsync(context, StatusCodes.Status400BadRequest, string.Create(CultureInfo.InvariantCulture, $"limit is \"{asked}\": 1 to {MostDecisions} is allowed"));
            return;
        }

        await WriteAsync(context, "decisions", log.List(pod, gang, limit), DecisionJson.Write);
    }

    private Task WaitingAsync(HttpContext context) => WriteAsync(context, "pods", log.Waiting().Take(MostPods).Select(explainer.Explain), Write);

    private async Task ExplainAsync(HttpContext context)
    {
        var (space, name) = ((string)context.Request.RouteValues["namespace"]!, (string)context.Request.RouteValues["name"]!);
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        Write(json, explainer.Explain(space, name), $"{space}/{name}");
    }

    private async Task FollowAsync(HttpContext context)
    {
        long? after = long.TryParse(context.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
        using var listener = log.Listen(MostBehind, after);
        if (listener is null)
        {
            context.Response.Headers.RetryAfter = "30";
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, "as many clients follow events as Decisions:Listeners allows; poll /v1/decisions, or try again later");
            return;
        }

        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["X-Accel-Buffering"] = "no"; // nginx would keep events back
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        var output = context.Response.BodyWriter;
        try
        {
            await output.WriteAsync(": decisions as they happen\n\n"u8.ToArray(), ending.Token);
            while (await MoreAsync(listener, ending.Token) is { } more)
            {
                if (!more)
                {
                    await output.WriteAsync(": still here\n\n"u8.ToArray(), ending.Token);
                    continue;
                }

                while (listener.Decisions.TryRead(out var decision))
                {
                    await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {decision.Sequence}\nevent: decision\ndata: ")), ending.Token);
                    await output.WriteAsync(DecisionJson.Line(decision), ending.Token);
                    await output.WriteAsync("\n\n"u8.ToArray(), ending.Token);
                }
            }

            await output.WriteAsync("event: dropped\ndata: {\"error\":\"this client fell too far behind; ask again with Last-Event-ID\"}\n\n"u8.ToArray(), ending.Token);
        }
        catch (OperationCanceledException)
        {
            // The client or the service has gone.
        }
    }

    /// <summary>True when there are decisions, false when it is time for a sign of life, null when the listener is over.</summary>
    private async Task<bool?> MoreAsync(DecisionListener listener, CancellationToken cancellation)
    {
        using var heartbeat = new CancellationTokenSource(s_heartbeat, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, heartbeat.Token);
        try
        {
            return await listener.Decisions.WaitToReadAsync(either.Token) ? true : null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private static void Write(Utf8JsonWriter json, PodStanding standing) => Write(json, standing, standing.Pod!.ToString());

    private static void Write(Utf8JsonWriter json, PodStanding standing, string name)
    {
        json.WriteStartObject();
        json.WriteString("pod", name);
        json.WriteString("uid", standing.Pod?.Uid);
        json.WriteString("state", standing.State);
        json.WriteString("request", standing.Pod is { } pod ? RequestWords.Of(pod) : null);
        json.WriteString("gang", standing.Pod?.Gang?.Key.ToString());
        json.WriteString("gangState", standing.Gang?.State.ToString().ToLowerInvariant());
        json.WriteString("node", standing.Pod?.NodeName ?? standing.Held?.Node);
        json.WritePropertyName("devices");
        if (standing.Held is { } held)
        {
            json.WriteRawValue(held.Devices.ToAnnotation());
        }
        else
        {
            json.WriteNullValue();
        }

        json.WritePropertyName("tentative");
        if (standing.Tentative is { } tentative)
        {
            json.WriteStartObject();
            json.WriteString("node", tentative.Node);
            json.WritePropertyName("devices");
            json.WriteRawValue(tentative.Devices.ToAnnotation());
            if (tentative.Expires is { } until)
            {
                json.WriteString("until", until);
            }

            json.WriteEndObject();
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteString("summary", standing.Summary);
        DecisionJson.WriteReasons(json, standing.Refused);
        if (standing.Since is { } since)
        {
            json.WriteString("since", since);
        }
        else
        {
            json.WriteNull("since");
        }

        json.WritePropertyName("lastDecision");
        if (standing.Last is { } last)
        {
            DecisionJson.Write(json, last);
        }
        else
        {
            json.WriteNullValue();
        }

        json.WriteEndObject();
    }

    private static async Task WriteAsync<T>(HttpContext context, string name, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteStartArray(name);
        foreach (var item in items)
        {
            write(json, item);
            if (json.BytesPending > 32 * 1024)
            {
                await json.FlushAsync(context.RequestAborted);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static async Task RefuseAsync(HttpContext context, int status, string error)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("error", error);
        json.WriteEndObject();
    }

    /// <summary>Reads namespace/name, or nothing.</summary>
    private static bool TryReadName(string? value, out string? name)
    {
        name = value is { Length: > 0 } ? value : null;
        return name is null || (name.Split('/') is [{ Length: > 0 }, { Length: > 0 }]);
    }
}
