using System.Net.Http.Headers;
using GpuScheduler.Kubernetes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Connections.Features;

namespace GpuScheduler.Extender.Security;

/// <summary>
/// Lets through who may. Whatever is neither named here as open nor marked so where it is served (<see cref="IAllowAnonymous"/>) wants a client
/// certificate, which the handshake has checked, or a token whose owner the API server allows the path: what is added later is closed until
/// somebody opens it.
/// </summary>
internal sealed partial class AccessControl(AccessReviewer reviewer, ExtenderOptions options, ILogger<AccessControl> log)
{
    private static readonly string[] s_open = ["/healthz", "/readyz", "/syncz"];
    private static readonly string[] s_verbs = ["/filter", "/prioritize", "/preempt", "/bind"];

    /// <summary>Answers what may not be; else goes on.</summary>
    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var (status, why) = await JudgeAsync(context);
        if (status == StatusCodes.Status200OK)
        {
            await next(context);
            return;
        }

        context.Response.StatusCode = status;
        if (status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer realm=\"gpu-scheduler\"";
        }

        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(why + "\n", context.RequestAborted);
    }

    private async ValueTask<(int Status, string Why)> JudgeAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var plain = path.TrimEnd('/');
        if (Has(s_open, plain) || plain.StartsWith("/grpc.health.v1.Health/", StringComparison.Ordinal)
            || context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null
            || context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(ExtenderHost.HealthOnly) == true)
        {
            return (StatusCodes.Status200OK, "");
        }

        if (context.Connection.ClientCertificate is not null)
        {
            return (StatusCodes.Status200OK, "");
        }

        // A kube-scheduler has certificates and no tokens for its extenders; without ClientCa the network alone says who calls.
        var isVerb = Has(s_verbs, plain);
        var wantsCertificate = isVerb || plain.StartsWith("/gpuscheduler.v1.SchedulerExtender/", StringComparison.OrdinalIgnoreCase);
        if (wantsCertificate && options.Tls.ClientCa is { Length: > 0 })
        {
            return (StatusCodes.Status403Forbidden, "the verbs want a client certificate that an authority of Tls:ClientCa signed; a token is not enough");
        }

        if (isVerb)
        {
            return (StatusCodes.Status200OK, "");
        }

        if (!AuthenticationHeaderValue.TryParse(context.Request.Headers.Authorization, out var header)
            || !string.Equals(header.Scheme, "Bearer", StringComparison.OrdinalIgnoreCase) || string.IsNullOrEmpty(header.Parameter))
        {
            return (StatusCodes.Status401Unauthorized, $"{path} wants a bearer token of this cluster (kubectl create token), or a client certificate of kube-scheduler's authority");
        }

        try
        {
            var verdict = await reviewer.ReviewAsync(header.Parameter, Lower(context.Request.Method), path, context.RequestAborted);
            if (verdict.Kind == AccessKind.Forbidden)
            {
                LogForbidden(log, verdict.User, context.Request.Method, path);
            }

            return verdict.Kind switch
            {
                AccessKind.Allowed => (StatusCodes.Status200OK, ""),
                AccessKind.Unauthenticated => (StatusCodes.Status401Unauthorized, verdict.Why),
                _ => (StatusCodes.Status403Forbidden, verdict.Why),
            };
        }
        catch (KubernetesApiException e)
        {
            LogNotAsked(log, e.Message);
            return (StatusCodes.Status503ServiceUnavailable, $"the API server could not be asked whether this token may: {e.Message}");
        }
    }

    private static bool Has(string[] paths, string path) => paths.Contains(path, StringComparer.OrdinalIgnoreCase);

    private static string Lower(string method) => method switch
    {
        "GET" => "get",
        "POST" => "post",
        _ => string.Create(method.Length, method, static (target, source) => source.AsSpan().ToLowerInvariant(target)),
    };

    [LoggerMessage(1022, LogLevel.Warning, "{User} may not {Method} {Path}", EventName = "AccessForbidden")]
    private static partial void LogForbidden(ILogger log, string user, string method, string path);

    [LoggerMessage(1023, LogLevel.Warning, "The API server could not be asked about a token: {Why}", EventName = "AccessNotAsked")]
    private static partial void LogNotAsked(ILogger log, string why);
}
