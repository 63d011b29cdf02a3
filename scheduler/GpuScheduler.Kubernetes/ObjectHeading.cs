using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>The kind of an object, and where its items are, if it is a list.</summary>
/// <param name="ApiVersion">Group and version of its API; empty when not said.</param>
/// <param name="Kind">The kind; empty when not said.</param>
/// <param name="Items">Where the array of items is within the text; null when there is none.</param>
internal readonly record struct ObjectHeading(string ApiVersion, string Kind, Range? Items)
{
    /// <summary>Group of an API; empty for the core group.</summary>
    public static string GroupOf(string apiVersion) => apiVersion[..Math.Max(apiVersion.IndexOf('/', StringComparison.Ordinal), 0)];

    /// <summary>True for an object of the API group of a resource.</summary>
    public bool IsOf(WatchedResource resource) => GroupOf(ApiVersion) == resource.Group;

    /// <summary>The heading that an item of a list has, which may leave out what the list says for all.</summary>
    public ObjectHeading Of(ObjectHeading item) =>
        item.Kind.Length > 0 ? item : new ObjectHeading(ApiVersion, Kind.EndsWith("List", StringComparison.Ordinal) ? Kind[..^"List".Length] : "", null);

    /// <exception cref="JsonException">It is not an object, or its kind is not a string.</exception>
    public static ObjectHeading Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            var apiVersion = "";
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
                else if (json.ValueTextEquals("apiVersion"u8))
                {
                    apiVersion = JsonFields.PooledText(ref json, "apiVersion") ?? "";
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

            return new ObjectHeading(apiVersion, kind, items);
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode("object", e);
        }
    }
}
