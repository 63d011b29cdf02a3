using System.Buffers;
using System.Diagnostics;
using GpuScheduler.Extender.Hosting;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Wire;
using Microsoft.AspNetCore.Connections.Features;

namespace GpuScheduler.Extender.Verbs;

/// <summary>
/// POST /filter, /prioritize, /preempt and /bind. kube-scheduler never reads the body of an answer other than 200, so that filter
/// and bind say what is wrong in Error with a 200; prioritize and preempt have no such field and answer 400. A replica that does not
/// lead answers 503: that is no fault of the pod.
/// </summary>
internal sealed partial class VerbEndpoints(VerbProcessor verbs, BindHandler binder, Readiness readiness, ExtenderMetrics metrics, ILogger<VerbEndpoints> log)
{
    /// <summary>Bytes handed to the web server at once; it buffers as many.</summary>
    public const int ResponseChunk = 512 * 1024;

    private delegate ValueTask<string> Verb(HttpContext context, SegmentedBuffer output);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/filter", context => HandleAsync(context, "filter", FilterResponseWriter.WriteError, FilterAsync));
        routes.MapPost("/prioritize", context => HandleAsync(context, "prioritize", null, PrioritizeAsync));
        routes.MapPost("/preempt", context => HandleAsync(context, "preempt", null, PreemptAsync));
        routes.MapPost("/bind", context => HandleAsync(context, "bind", BindingArgs.WriteResult, BindAsync));
    }

    private ValueTask<string> FilterAsync(HttpContext context, SegmentedBuffer output) =>
        verbs.FilterAsync(context.Request.Body, context.Request.ContentLength, output, context.RequestAborted);

    private ValueTask<string> PrioritizeAsync(HttpContext context, SegmentedBuffer output) =>
        verbs.PrioritizeAsync(context.Request.Body, context.Request.ContentLength, output, context.RequestAborted);

    private ValueTask<string> PreemptAsync(HttpContext context, SegmentedBuffer output) =>
        verbs.PreemptAsync(context.Request.Body, output, context.RequestAborted);

    private async ValueTask<string> BindAsync(HttpContext context, SegmentedBuffer output)
    {
        var answer = await binder.BindAsync(BindingArgs.Read(await VerbProcessor.ReadWholeAsync(context.Request.Body, context.RequestAborted)));
        BindingArgs.WriteResult(output, answer.Error);
        return answer.Error.Length == 0 ? Outcome.Ok : Outcome.Unschedulable;
    }

    private async Task HandleAsync(HttpContext context, string name, Action<SegmentedBuffer, string>? writeError, Verb verb)
    {
        var start = Stopwatch.GetTimestamp();
        using var output = new SegmentedBuffer();
        var outcome = Outcome.Error;
        string? error = null;
        string? refusal = null;
        try
        {
            using var call = readiness.Enter();
            refusal = readiness.Refusal(begins: name is "filter" or "preempt");
            if (refusal is null)
            {
                outcome = await verb(context, output);
            }
            else
            {
                (outcome, error) = (Outcome.NotReady, refusal);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (WireException e)
        {
            (outcome, error) = (Outcome.BadRequest, e.Message);
        }
        catch (BadHttpRequestException e)
        {
            (outcome, error) = (Outcome.BadRequest, e.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? "the body is larger than Limits:MaxRequestBodyMiB allows"
                : e.Message);
        }
        catch (Exception e)
        {
            LogFault(log, e, name);
            error = $"gpu-scheduler failed to answer {name}: {e.GetType().Name}; its log says more";
        }

        if (error is not null)
        {
            output.Clear();
            (writeError ?? BindingArgs.WriteResult)(output, error);
            context.Response.StatusCode = refusal is Readiness.NotLeader or Readiness.Stopping ? StatusCodes.Status503ServiceUnavailable
                : writeError is not null ? StatusCodes.Status200OK
                : outcome == Outcome.BadRequest ? StatusCodes.Status400BadRequest
                : outcome == Outcome.NotReady ? StatusCodes.Status503ServiceUnavailable
                : StatusCodes.Status500InternalServerError;
        }

        if (context.Response.StatusCode == StatusCodes.Status503ServiceUnavailable)
        {
            // The next call is to come over a new connection, which leads to whoever decides then.
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }

        metrics.Decided(name, outcome, Stopwatch.GetElapsedTime(start));
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = output.Length;
        await SendAsync(context, output);
    }

    /// <summary>Sends in as few writes as possible: most answers in one, full Nodes in a few large ones.</summary>
    private static async Task SendAsync(HttpContext context, SegmentedBuffer output)
    {
        var writer = context.Response.BodyWriter;
        long pending = 0;
        foreach (var piece in output.Pieces())
        {
            writer.Write(piece.Span);
            pending += piece.Length;
            if (pending >= ResponseChunk)
            {
                await writer.FlushAsync(context.RequestAborted);
                pending = 0;
            }
        }

        await writer.FlushAsync(context.RequestAborted);
    }

    [LoggerMessage(1010, LogLevel.Error, "{Verb} failed", EventName = "VerbFailed")]
    private static partial void LogFault(ILogger log, Exception exception, string verb);
}
