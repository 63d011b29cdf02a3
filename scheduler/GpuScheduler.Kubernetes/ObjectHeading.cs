using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>The kind of an object, and where its items are, if it is a list.</summary>
/// <param name="Kind">The kind; empty when not said.</param>
/// <param name="Items">Where the array of items is within the text; null when there is none.</param>
internal readonly record struct ObjectHeading(string Kind, Range? Items)
{
    /// <exception cref="JsonException">It is not an object, or its kind is not a string.</exception>
    public static ObjectHeading Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var kind = "";
            Range? items = null;
            var json = new Utf8JsonReader(utf8);
            JsonFields.Advance(ref json, "the object");
            if (json.TokenType != JsonTokenType.StartObject)
            {
                throw JsonFields.Wrong(ref json, "the object", "an object with a kind");
            }

            while (JsonFields.NextField(ref json, "the object"))
            {
                if (json.ValueTextEquals("kind"u8))
                {
                    kind = JsonFields.PooledText(ref json, "kind") ?? "";
                }
                else if (json.ValueTextEquals("items"u8))
                {
                    if (JsonFields.EnterArray(ref json, "items"))
                    {
                        var start = (int)json.TokenStartIndex;
                        JsonFields.Skip(ref json, "items");
                        items = start..(int)json.BytesConsumed;
                    }
                }
                else
                {
                    JsonFields.Skip(ref json, "the object");
                }
            }

            return new ObjectHeading(kind, items);
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("object", e);
        }
    }
}
