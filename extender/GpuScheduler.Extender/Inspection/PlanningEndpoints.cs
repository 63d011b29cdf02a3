using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Planning;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Kubernetes.Manifests;

namespace GpuScheduler.Extender.Inspection;

/// <summary>
/// What would happen: POST /v1/what-if and /v1/expected-start, GET /v1/drain-plan/{node} and /v1/capacity-shortfall. All is decided on a copy
/// of the cluster, so that nothing is held and nothing remembered. One question at a time; the others wait.
/// </summary>
internal sealed partial class PlanningEndpoints(SchedulingEngine engine, Readiness readiness, DialectSet dialects, ILogger<PlanningEndpoints> log) : IDisposable
{
    /// <summary>Longest manifest, in bytes; the API server takes no object over 3 MB or so.</summary>
    private const int MostBytes = 8 * 1024 * 1024;

    /// <summary>How long is searched for the shortfall.</summary>
    private static readonly TimeSpan s_searchLimit = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1, 1);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/what-if", context => AnswerAsync(context, "what-if", WhatIfAsync));
        routes.MapPost("/v1/expected-start", context => AnswerAsync(context, "expected-start", ExpectedStartAsync));
        routes.MapGet("/v1/drain-plan/{node}", context => AnswerAsync(context, "drain-plan", DrainPlanAsync));
        routes.MapGet("/v1/capacity-shortfall", context => AnswerAsync(context, "capacity-shortfall", ShortfallAsync));
    }

    public void Dispose() => _turn.Dispose();

    private async Task<Action<Utf8JsonWriter>> WhatIfAsync(HttpContext context)
    {
        var text = await ReadTextAsync(context);
        var space = context.Request.Query["namespace"].ToString();
        var manifest = ManifestReader.Read(text, space.Length > 0 ? space : "default", dialects);
        var outcomes = await Task.Run(() => WhatIf.Of(engine, manifest.Pods, manifest.GroupObjects), context.RequestAborted);
        return json =>
        {
            json.WriteBoolean("allFit", outcomes.AllFit);
            WriteOutcomes(json, "work", outcomes.Outcomes);
            json.WriteStartArray("waitingFor");
            foreach (var (name, reason) in outcomes.Incomplete)
            {
                json.WriteStartObject();
                json.WriteString("gang", name);
                json.WriteString("reason", reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("notes");
            foreach (var note in manifest.Notes.Concat(outcomes.Notes))
            {
                json.WriteStringValue(note);
            }

            json.WriteEndArray();
        };
    }

    private async Task<Action<Utf8JsonWriter>> DrainPlanAsync(HttpContext context)
    {
        var node = (string)context.Request.RouteValues["node"]!;
        var plan = await Task.Run(() => DrainPlan.Of(engine, node), context.RequestAborted)
            ?? throw new NotFoundException($"node {node} is not known; GET /v1/nodes lists those that are");
        return json =>
        {
            json.WriteString("node", plan.Node);
            json.WriteBoolean("allFit", plan.AllFit);
            WriteOutcomes(json, "work", plan.Outcomes);
            json.WriteNumber("otherPods", plan.OtherPods);
        };
    }

    private async Task<Action<Utf8JsonWriter>> ShortfallAsync(HttpContext context)
    {
        var shortfall = await Task.Run(() => CapacityPlanner.Find(engine, s_searchLimit, context.RequestAborted), context.RequestAborted);
        return json =>
        {
            json.WriteStartArray("add");
            foreach (var (kind, count) in shortfall.Add)
            {
                json.WriteStartObject();
                json.WriteNumber("nodes", count);
                json.WriteString("product", kind.Product);
                json.WriteNumber("gpus", kind.Gpus);
                json.WriteString("mig", kind.Mig);
                json.WriteString("beside", kind.Beside);
                json.WriteString("like", kind.Model);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("fewest", shortfall.IsFewest);
            json.WriteNumber("atLeast", shortfall.AtLeast);
            WriteOutcomes(json, "haveRoom", shortfall.HaveRoom);
            WriteOutcomes(json, "helped", shortfall.Helped);
            WriteOutcomes(json, "notHelped", shortfall.NotHelped);
            json.WriteStartArray("notTried");
            foreach (var item in shortfall.NotTried)
            {
                json.WriteStringValue(item.Name);
            }

            json.WriteEndArray();
        };
    }

    private async Task<Action<Utf8JsonWriter>> ExpectedStartAsync(HttpContext context)
    {
        ExpectedStartQuestion question;
        try
        {
            question = JsonSerializer.Deserialize(await ReadTextAsync(context), PlanningJson.Default.ExpectedStartQuestion) ?? throw new JsonException("null is no question");
        }
        catch (JsonException e)
        {
            throw new InvalidManifestException($"the body must be {{\"name\": \"namespace/name\", \"ends\": {{\"pod UID\": \"2026-01-02T15:04:05Z\"}}}}: {e.Message}", e);
        }

        var start = await Task.Run(() => ExpectedStart.Of(engine, w => w.Name == question.Name || w.Pods.Any(p => p.ToString() == question.Name), question.Ends), context.RequestAborted)
            ?? throw new NotFoundException($"no gang and no pod {question.Name} waits for a place; GET /v1/gangs lists gangs");
        return json =>
        {
            json.WriteString("name", question.Name);
            json.WriteBoolean("roomNow", start.HasRoomNow);
            if (start.At is { } at)
            {
                json.WriteString("at", at);
            }
            else
            {
                json.WriteNull("at");
            }

            json.WriteNumber("knownEnds", start.Known);
            json.WriteNumber("running", start.Running);
        };
    }

    private static void WriteOutcomes(Utf8JsonWriter json, string name, IEnumerable<WorkOutcome> outcomes)
    {
        json.WriteStartArray(name);
        foreach (var outcome in outcomes)
        {
            json.WriteStartObject();
            json.WriteString("name", outcome.Work.Name);
            json.WriteString("kind", outcome.Work.Gang is null ? "pod" : "gang");
            json.WriteBoolean("fits", outcome.IsPlaced);
            json.WriteString("why", outcome.Why);
            if (outcome.Restarts)
            {
                json.WriteBoolean("restarts", true);
            }

            if (outcome.Proof is { } proof)
            {
                json.WriteString("proof", proof.ToString());
            }

            json.WriteNumber("pods", outcome.Work.Pods.Length);
            json.WriteNumber("devices", outcome.Work.Devices);
            json.WriteStartArray("places");
            foreach (var place in outcome.Places)
            {
                json.WriteStartObject();
                json.WriteString("pod", place.Pod.Name);
                json.WriteString("node", place.Node);
                json.WritePropertyName("devices");
                json.WriteRawValue(place.Devices.ToAnnotation());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("refusals");
            foreach (var (reason, nodes) in outcome.Refusals)
            {
                json.WriteStartObject();
                json.WriteString("reason", reason);
                json.WriteNumber("nodes", nodes);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Answers in a question's turn. What cannot be answered is {"error"}, with a status that says whose fault it is.</summary>
    private async Task AnswerAsync(HttpContext context, string name, Func<HttpContext, Task<Action<Utf8JsonWriter>>> question)
    {
        Action<Utf8JsonWriter> answer;
        var status = StatusCodes.Status200OK;
        var isTurn = false;
        try
        {
            if (readiness.IsSynced)
            {
                await _turn.WaitAsync(context.RequestAborted);
                isTurn = true;
                answer = await question(context);
            }
            else
            {
                (status, answer) = (StatusCodes.Status503ServiceUnavailable, Error(Readiness.NotSynced));
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (NotFoundException e)
        {
            (status, answer) = (StatusCodes.Status404NotFound, Error(e.Message));
        }
        catch (InvalidManifestException e)
        {
            (status, answer) = (StatusCodes.Status400BadRequest, Error(e.Message));
        }
        catch (BadHttpRequestException e)
        {
            (status, answer) = (e.StatusCode, Error(e.Message));
        }
        catch (Exception e)
        {
            LogFault(log, e, name);
            (status, answer) = (StatusCodes.Status500InternalServerError, Error($"gpu-scheduler failed to answer {name}: {e.GetType().Name}; its log says more"));
        }
        finally
        {
            if (isTurn)
            {
                _turn.Release();
            }
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        answer(json);
        json.WriteEndObject();
    }

    private static Action<Utf8JsonWriter> Error(string message) => json => json.WriteString("error", message);

    private static async Task<string> ReadTextAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is > 0 and var read)
        {
            if (body.Length + read > MostBytes)
            {
                throw new BadHttpRequestException(string.Create(CultureInfo.InvariantCulture, $"the body is larger than {MostBytes / 1024 / 1024} MiB: ask about fewer objects at once"), StatusCodes.Status413PayloadTooLarge);
            }

            body.Write(buffer, 0, read);
        }

        return Encoding.UTF8.GetString(body.GetBuffer(), 0, (int)body.Length);
    }

    [LoggerMessage(1090, LogLevel.Error, "The question {Name} failed", EventName = "PlanningFailed")]
    private static partial void LogFault(ILogger log, Exception exception, string name);

    /// <summary>What is asked for is not there.</summary>
    private sealed class NotFoundException(string message) : Exception(message);
}
