using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>The API server's Status object: how it says that something went wrong, as an answer or as an event of a watch.</summary>
/// <param name="Code">HTTP status; 0 when not said.</param>
/// <param name="Reason">Reason in one word, for example Expired.</param>
/// <param name="Message">Text for people.</param>
internal sealed record ApiStatus(int Code, string Reason, string Message)
{
    /// <summary>True when the resource version or continue token asked for is too old to be known any more.</summary>
    public bool IsExpired => Code == 410 || Reason is "Expired" or "Gone";

    /// <summary>Reads one; whatever cannot be read (a proxy's HTML page) is taken as the message.</summary>
    public static ApiStatus Read(ReadOnlySpan<byte> body)
    {
        var code = 0;
        var reason = "";
        var message = "";
        try
        {
            var json = new Utf8JsonReader(body);
            JsonFields.Advance(ref json, "the status");
            while (JsonFields.NextField(ref json, "the status"))
            {
                if (json.ValueTextEquals("code"u8))
                {
                    code = JsonFields.Number(ref json, "code") ?? 0;
                }
                else if (json.ValueTextEquals("reason"u8))
                {
                    reason = JsonFields.Text(ref json, "reason") ?? "";
                }
                else if (json.ValueTextEquals("message"u8))
                {
                    message = JsonFields.Text(ref json, "message") ?? "";
                }
                else
                {
                    JsonFields.Skip(ref json, "the status");
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            const int Longest = 200;
            message = System.Text.Encoding.UTF8.GetString(body[..Math.Min(body.Length, Longest)]).Trim();
        }

        return new ApiStatus(code, reason, message);
    }
}
