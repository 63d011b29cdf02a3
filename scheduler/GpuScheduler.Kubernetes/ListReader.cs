using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads a list answer as it comes in, item by item, without ever holding more of it than one item. Fed with ever larger parts of
/// the text: what it cannot finish yet it begins anew.
/// </summary>
/// <param name="read">Reads an item.</param>
/// <param name="unreadable">Is told of items that cannot be read; they are left out.</param>
internal sealed class ListReader<T>(ObjectReader<T> read, Action<JsonException> unreadable)
{
    private JsonReaderState _state;
    private Stage _stage = Stage.Start;

    /// <summary>The items so far.</summary>
    public List<T> Items { get; } = [];

    /// <summary>metadata.resourceVersion; empty when not said.</summary>
    public string ResourceVersion { get; private set; } = "";

    /// <summary>metadata.continue: where the next page begins; empty on the last page.</summary>
    public string Continue { get; private set; } = "";

    /// <summary>Begins the next page.</summary>
    public void NextPage()
    {
        _state = default;
        _stage = Stage.Start;
        ResourceVersion = Continue = "";
    }

    /// <summary>Reads as far as the text goes.</summary>
    /// <param name="text">What has not been used yet.</param>
    /// <param name="isFinal">True when no more will come.</param>
    /// <param name="used">How much of it was used.</param>
    /// <returns>True when the list is complete.</returns>
    /// <exception cref="JsonException">It is not a list.</exception>
    public bool Read(ReadOnlySpan<byte> text, bool isFinal, out int used)
    {
        var json = new Utf8JsonReader(text, isFinal, _state);
        while (_stage != Stage.End)
        {
            var before = json;
            if (!Step(ref json, text))
            {
                _state = before.CurrentState;
                used = (int)before.BytesConsumed;
                return isFinal ? throw new JsonException("the list ends too early") : false;
            }
        }

        used = text.Length;
        return true;
    }

    /// <summary>One step; false when the text is too short for it, and then nothing has changed.</summary>
    private bool Step(ref Utf8JsonReader json, ReadOnlySpan<byte> text)
    {
        if (!json.Read())
        {
            return false;
        }

        switch (_stage)
        {
            case Stage.Start:
                _stage = json.TokenType == JsonTokenType.StartObject ? Stage.Field : throw JsonFields.Wrong(ref json, "the list", "an object");
                return true;
            case Stage.Field:
                _stage = json.TokenType == JsonTokenType.EndObject ? Stage.End
                    : json.ValueTextEquals("items"u8) ? Stage.Items
                    : json.ValueTextEquals("metadata"u8) ? Stage.Metadata
                    : Stage.Other;
                return true;
            case Stage.Other:
                if (!json.TrySkip())
                {
                    return false;
                }

                _stage = Stage.Field;
                return true;
            case Stage.Items:
                _stage = json.TokenType switch
                {
                    JsonTokenType.StartArray => Stage.Item,
                    JsonTokenType.Null => Stage.Field,
                    _ => throw JsonFields.Wrong(ref json, "items", "an array"),
                };
                return true;
            case Stage.Item when json.TokenType == JsonTokenType.EndArray:
                _stage = Stage.Field;
                return true;
            default:
                var start = (int)json.TokenStartIndex;
                if (!json.TrySkip())
                {
                    return false;
                }

                var value = text[start..(int)json.BytesConsumed];
                if (_stage == Stage.Metadata)
                {
                    ReadMetadata(value);
                    _stage = Stage.Field;
                }
                else
                {
                    ReadItem(value);
                }

                return true;
        }
    }

    private void ReadItem(ReadOnlySpan<byte> value)
    {
        try
        {
            Items.Add(read(value));
        }
        catch (JsonException e)
        {
            unreadable(e);
        }
    }

    private void ReadMetadata(ReadOnlySpan<byte> value)
    {
        var json = new Utf8JsonReader(value);
        JsonFields.Advance(ref json, "metadata");
        if (!JsonFields.IsObject(ref json, "metadata"))
        {
            return;
        }

        while (JsonFields.NextField(ref json, "metadata"))
        {
            if (json.ValueTextEquals("resourceVersion"u8))
            {
                ResourceVersion = JsonFields.Text(ref json, "metadata.resourceVersion") ?? "";
            }
            else if (json.ValueTextEquals("continue"u8))
            {
                Continue = JsonFields.Text(ref json, "metadata.continue") ?? "";
            }
            else
            {
                JsonFields.Skip(ref json, "metadata");
            }
        }
    }

    private enum Stage
    {
        Start,
        Field,
        Other,
        Metadata,
        Items,
        Item,
        End,
    }
}
