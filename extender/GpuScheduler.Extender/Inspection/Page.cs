using System.Security.Cryptography;

namespace GpuScheduler.Extender.Inspection;

/// <summary>The pages at / and /shadow: files of the program itself, which ask the API of the same origin and nothing else.</summary>
internal static class Page
{
    private const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly (string Path, string Resource, string Type)[] s_files =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/page.css", "page.css", "text/css; charset=utf-8"),
        ("/page.js", "page.js", "text/javascript; charset=utf-8"),
        ("/shadow", "shadow.html", "text/html; charset=utf-8"),
        ("/shadow.js", "shadow.js", "text/javascript; charset=utf-8"),
    ];

    /// <summary>Serves the files.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        foreach (var (path, resource, type) in s_files)
        {
            Serve(routes, path, resource, type);
        }
    }

    private static void Serve(IEndpointRouteBuilder routes, string path, string resource, string type)
    {
        using var stream = typeof(Page).Assembly.GetManifestResourceStream("page/" + resource)
            ?? throw new InvalidOperationException($"The resource page/{resource} is missing: the project must embed Page.");
        var body = new byte[stream.Length];
        stream.ReadExactly(body);
        var tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(body))[..16]}\"";
        routes.MapGet(path, async context =>
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = Policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "no-referrer";
            headers.CacheControl = "no-cache";
            headers.ETag = tag;
            if (context.Request.Headers.IfNoneMatch == tag)
            {
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            context.Response.ContentType = type;
            context.Response.ContentLength = body.Length;
            await context.Response.Body.WriteAsync(body, context.RequestAborted);
        }).AllowAnonymous(); // they hold no data, and a browser asks for style and script without a token
    }
}
