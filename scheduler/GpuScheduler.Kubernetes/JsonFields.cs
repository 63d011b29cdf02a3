using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Steps of a reader over one JSON object. Whatever is not as expected is a <see cref="JsonException"/> that names the field; a
/// null in place of a value counts as absence, as the API server has it.
/// </summary>
internal static class JsonFields
{
    /// <summary>Moves to the next field of an object. False at its end.</summary>
    public static bool NextField(ref Utf8JsonReader json, string inside)
    {
        Advance(ref json, inside);
        return json.TokenType == JsonTokenType.PropertyName;
    }

    /// <summary>Moves to the next element of an array. False at its end.</summary>
    public static bool NextElement(ref Utf8JsonReader json, string inside)
    {
        Advance(ref json, inside);
        return json.TokenType != JsonTokenType.EndArray;
    }

    /// <summary>From a field's name into the object that is its value. False when that is null.</summary>
    public static bool EnterObject(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return IsObject(ref json, field);
    }

    /// <summary>True when the value the reader stands on is an object, false when it is null.</summary>
    public static bool IsObject(ref Utf8JsonReader json, string field) => json.TokenType switch
    {
        JsonTokenType.StartObject => true,
        JsonTokenType.Null => false,
        _ => throw Wrong(ref json, field, "an object"),
    };

    /// <summary>From a field's name into the array that is its value. False when that is null.</summary>
    public static bool EnterArray(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return json.TokenType switch
        {
            JsonTokenType.StartArray => true,
            JsonTokenType.Null => false,
            _ => throw Wrong(ref json, field, "an array"),
        };
    }

    /// <summary>The text that is a field's value; null for null.</summary>
    public static string? Text(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return json.TokenType switch
        {
            JsonTokenType.String => json.GetString(),
            JsonTokenType.Null => null,
            _ => throw Wrong(ref json, field, "a string"),
        };
    }

    /// <summary>As <see cref="Text"/>, for texts that many objects share.</summary>
    public static string? PooledText(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return json.TokenType switch
        {
            JsonTokenType.String => Utf8StringPool.Get(ref json),
            JsonTokenType.Null => null,
            _ => throw Wrong(ref json, field, "a string"),
        };
    }

    /// <summary>The time that is a field's value; null for anything else: it only informs.</summary>
    public static DateTimeOffset? Time(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        if (json.TokenType == JsonTokenType.String)
        {
            return json.TryGetDateTimeOffset(out var time) ? time : null;
        }

        if (!json.TrySkip())
        {
            throw Wrong(ref json, field, "a time");
        }

        return null;
    }

    /// <summary>A quantity: a string, or a number as it is written; null for null.</summary>
    public static string? QuantityText(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return json.TokenType switch
        {
            JsonTokenType.String => Utf8StringPool.Get(ref json),
            JsonTokenType.Number => Utf8StringPool.GetNumber(ref json),
            JsonTokenType.Null => null,
            _ => throw Wrong(ref json, field, "a quantity (a string or a number)"),
        };
    }

    /// <summary>A number of 32 bits; null for null.</summary>
    public static int? Number(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return json.TokenType switch
        {
            JsonTokenType.Number when json.TryGetInt32(out var number) => number,
            JsonTokenType.Null => null,
            _ => throw Wrong(ref json, field, "a whole number of 32 bits"),
        };
    }

    /// <summary>From a field's name past its value. True when that is true.</summary>
    public static bool Flag(ref Utf8JsonReader json, string field)
    {
        Advance(ref json, field);
        return json.TokenType switch
        {
            JsonTokenType.True => true,
            JsonTokenType.False or JsonTokenType.Null => false,
            _ => throw Wrong(ref json, field, "a boolean"),
        };
    }

    /// <summary>From a field's name past its value.</summary>
    public static void Skip(ref Utf8JsonReader json, string inside)
    {
        // Skip() refuses to work in a reader that is not told to be at the last block.
        if (!json.TrySkip())
        {
            throw Truncated(inside);
        }
    }

    /// <summary>One token on.</summary>
    public static void Advance(ref Utf8JsonReader json, string inside)
    {
        if (!json.Read())
        {
            throw Truncated(inside);
        }
    }

    /// <summary>The value of a field has the wrong type.</summary>
    public static JsonException Wrong(ref Utf8JsonReader json, string field, string wanted) =>
        new($"{field} must be {wanted}, and is {Describe(json.TokenType)}");

    /// <summary>The object holds text that no Unicode text can be made of (the framework's own fault type is not for callers).</summary>
    public static JsonException NotUnicode(string kind, InvalidOperationException cause) =>
        new($"the {kind} holds a string that is not valid Unicode", cause);

    private static JsonException Truncated(string inside) => new($"the JSON ends within {inside}");

    private static string Describe(JsonTokenType token) => token switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "an array",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "another number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => "something else",
    };
}
