using System.Text.Json;

namespace GpuScheduler.Extender.Wire;

/// <summary>ExtenderBindingArgs.</summary>
/// <param name="PodName">Name of the pod.</param>
/// <param name="PodNamespace">Its namespace.</param>
/// <param name="PodUid">Its UID.</param>
/// <param name="Node">The node it goes to.</param>
internal sealed record BindingArgs(string PodName, string PodNamespace, string PodUid, string Node)
{
    /// <exception cref="WireException">The body cannot be understood.</exception>
    public static BindingArgs Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var json = new Utf8JsonReader(body);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                throw new WireException("an object with PodName, PodNamespace, PodUID and Node is expected");
            }

            var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var name = json.GetString()!;
                json.Read();
                if (json.TokenType == JsonTokenType.String)
                {
                    values[name] = json.GetString()!;
                }
                else
                {
                    json.Skip();
                }
            }

            return new BindingArgs(Need(values, "PodName"), Need(values, "PodNamespace"), Need(values, "PodUID"), Need(values, "Node"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new WireException($"the body is not as expected: {e.Message}");
        }
    }

    /// <summary>Writes ExtenderBindingResult.</summary>
    public static void WriteResult(SegmentedBuffer output, string error)
    {
        output.Write("{\"Error\":\""u8);

        // Through UTF-8: a text that was cut in the middle of a character is no reason to fail.
        output.Write(JsonEncodedText.Encode(System.Text.Encoding.UTF8.GetBytes(error)).EncodedUtf8Bytes);
        output.Write("\"}"u8);
    }

    private static string Need(Dictionary<string, string> values, string name) =>
        values.TryGetValue(name, out var value) && value.Length > 0 ? value : throw new WireException($"{name} must be a string that is not empty");
}
