using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>A line of a watch.</summary>
/// <param name="type">What it says.</param>
/// <param name="body">The object, whole.</param>
internal readonly ref struct WatchEvent(WatchEventType type, ReadOnlySpan<byte> body)
{
    public WatchEventType Type { get; } = type;

    public ReadOnlySpan<byte> Body { get; } = body;

    /// <exception cref="JsonException">It is not an event.</exception>
    public static WatchEvent Read(ReadOnlySpan<byte> line)
    {
        try
        {
            WatchEventType? type = null;
            ReadOnlySpan<byte> body = default;
            var json = new Utf8JsonReader(line);
            JsonFields.Advance(ref json, "the event");
            if (json.TokenType != JsonTokenType.StartObject)
            {
                throw JsonFields.Wrong(ref json, "the event", "an object");
            }

            while (JsonFields.NextField(ref json, "the event"))
            {
                if (json.ValueTextEquals("type"u8))
                {
                    type = ReadType(ref json);
                }
                else if (json.ValueTextEquals("object"u8) && JsonFields.EnterObject(ref json, "object"))
                {
                    var start = (int)json.TokenStartIndex;
                    JsonFields.Skip(ref json, "object");
                    body = line[start..(int)json.BytesConsumed];
                }
                else
                {
                    JsonFields.Skip(ref json, "the event");
                }
            }

            return type is { } known && !body.IsEmpty ? new WatchEvent(known, body) : throw new JsonException("an event has a type and an object");
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("event", e);
        }
    }

    /// <summary>The resource version of the object; empty when it has none.</summary>
    /// <exception cref="JsonException">The object is not one of the API.</exception>
    public string ReadResourceVersion()
    {
        try
        {
            var json = new Utf8JsonReader(Body);
            JsonFields.Advance(ref json, "object");
            while (JsonFields.NextField(ref json, "object"))
            {
                if (!json.ValueTextEquals("metadata"u8))
                {
                    JsonFields.Skip(ref json, "object");
                    continue;
                }

                if (!JsonFields.EnterObject(ref json, "metadata"))
                {
                    continue;
                }

                while (JsonFields.NextField(ref json, "metadata"))
                {
                    if (json.ValueTextEquals("resourceVersion"u8))
                    {
                        return JsonFields.Text(ref json, "metadata.resourceVersion") ?? "";
                    }

                    JsonFields.Skip(ref json, "metadata");
                }
            }

            return "";
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("object", e);
        }
    }

    private static WatchEventType ReadType(ref Utf8JsonReader json)
    {
        JsonFields.Advance(ref json, "type");
        if (json.TokenType == JsonTokenType.String)
        {
            if (json.ValueTextEquals("ADDED"u8) || json.ValueTextEquals("MODIFIED"u8))
            {
                return WatchEventType.Upsert;
            }

            if (json.ValueTextEquals("DELETED"u8))
            {
                return WatchEventType.Delete;
            }

            if (json.ValueTextEquals("BOOKMARK"u8))
            {
                return WatchEventType.Bookmark;
            }

            if (json.ValueTextEquals("ERROR"u8))
            {
                return WatchEventType.Error;
            }
        }

        throw JsonFields.Wrong(ref json, "type", "ADDED, MODIFIED, DELETED, BOOKMARK or ERROR");
    }
}
