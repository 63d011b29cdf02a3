using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Requests;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>
/// Fields of a JSON object by their path. One that is absent or null is null; one of another type is the <see cref="Problem"/> of the
/// whole object, and counts as absent.
/// </summary>
internal sealed class ObjectFields
{
    /// <summary>Numbers above are mistakes; below it, products of two fit into 64 bits.</summary>
    private const int Most = 1_000_000;

    private readonly JsonElement _element;
    private readonly string _at;
    private readonly ObjectFields _root;
    private string? _problem;

    public ObjectFields(JsonElement element)
        : this(element, "", null)
    {
    }

    private ObjectFields(JsonElement element, string at, ObjectFields? root)
    {
        _element = element;
        _at = at;
        _root = root ?? this;
    }

    /// <summary>The first problem met anywhere in the object; null when there is none.</summary>
    public string? Problem => _root._problem;

    public void Fail(string problem) => _root._problem ??= problem;

    /// <summary>A whole number from 0 on.</summary>
    public int? Count(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        if (found.ValueKind == JsonValueKind.Number && found.TryGetInt32(out var count) && count is >= 0 and <= Most)
        {
            return count;
        }

        Fail($"{Name(path)} is {Shown(found)}, and a whole number from 0 to {Most.ToString(CultureInfo.InvariantCulture)} is allowed");
        return null;
    }

    public int? Integer(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        if (found.ValueKind == JsonValueKind.Number && found.TryGetInt32(out var number))
        {
            return number;
        }

        Fail($"{Name(path)} is {Shown(found)}, and a whole number of 32 bits is allowed");
        return null;
    }

    /// <summary>A whole number of 64 bits.</summary>
    public long? Long(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        if (found.ValueKind == JsonValueKind.Number && found.TryGetInt64(out var number))
        {
            return number;
        }

        Fail($"{Name(path)} is {Shown(found)}, and a whole number of 64 bits is allowed");
        return null;
    }

    public bool? Flag(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        if (found.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            return found.GetBoolean();
        }

        Fail($"{Name(path)} is {Shown(found)}, and true or false is allowed");
        return null;
    }

    /// <summary>A quantity of bytes, in MiB; from 1 MiB on.</summary>
    public int? Mebibytes(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        var text = found.ValueKind switch
        {
            JsonValueKind.String => found.GetString(),
            JsonValueKind.Number => found.GetRawText(),
            _ => null,
        };
        if (text is { Length: <= 40 } && Quantity.TryParseBytes(text, out var bytes) && bytes >> 20 is >= 1 and <= int.MaxValue)
        {
            return (int)(bytes >> 20);
        }

        Fail($"{Name(path)} is {Shown(found)}, and a quantity of at least 1Mi is allowed");
        return null;
    }

    /// <summary>A string; an empty one counts as absent.</summary>
    public string? Text(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        if (found.ValueKind == JsonValueKind.String)
        {
            return found.GetString() is { Length: > 0 } text ? text : null;
        }

        Fail($"{Name(path)} is {Shown(found)}, and a string is allowed");
        return null;
    }

    /// <summary>An object.</summary>
    public ObjectFields? Object(params ReadOnlySpan<string> path)
    {
        if (Find(path) is not { } found)
        {
            return null;
        }

        if (found.ValueKind == JsonValueKind.Object)
        {
            return new ObjectFields(found, Name(path), _root);
        }

        Fail($"{Name(path)} is {Shown(found)}, and an object is allowed");
        return null;
    }

    /// <summary>The objects of an array; none when it is absent.</summary>
    public List<ObjectFields> List(params ReadOnlySpan<string> path)
    {
        var items = new List<ObjectFields>();
        if (Find(path) is not { } found)
        {
            return items;
        }

        if (found.ValueKind != JsonValueKind.Array)
        {
            Fail($"{Name(path)} is {Shown(found)}, and a list is allowed");
            return items;
        }

        foreach (var item in found.EnumerateArray())
        {
            var name = $"{Name(path)}[{items.Count.ToString(CultureInfo.InvariantCulture)}]";
            if (item.ValueKind != JsonValueKind.Object)
            {
                Fail($"{name} is {Shown(item)}, and an object is allowed");
                return items;
            }

            items.Add(new ObjectFields(item, name, _root));
        }

        return items;
    }

    /// <summary>The whole numbers of a list; none when it is absent.</summary>
    public List<int> Numbers(params ReadOnlySpan<string> path)
    {
        var numbers = new List<int>();
        if (Find(path) is not { } found)
        {
            return numbers;
        }

        if (found.ValueKind != JsonValueKind.Array || found.GetArrayLength() > Most || found.EnumerateArray().Any(e => e.ValueKind != JsonValueKind.Number || !e.TryGetInt32(out _)))
        {
            Fail($"{Name(path)} is {Shown(found)}, and a list of whole numbers is allowed");
            return numbers;
        }

        numbers.AddRange(found.EnumerateArray().Select(e => e.GetInt32()));
        return numbers;
    }

    /// <summary>The names of the fields of an object; none when it is absent.</summary>
    public List<string> Keys(params ReadOnlySpan<string> path) =>
        Object(path) is { } found ? [.. found._element.EnumerateObject().Where(p => p.Value.ValueKind != JsonValueKind.Null).Select(p => p.Name).Distinct(StringComparer.Ordinal)] : [];

    /// <summary>The path of a field, for messages.</summary>
    public string Name(params ReadOnlySpan<string> path) => _at.Length == 0 ? string.Join('.', path) : $"{_at}.{string.Join('.', path)}";

    private JsonElement? Find(ReadOnlySpan<string> path)
    {
        var element = _element;
        for (var i = 0; i < path.Length; i++)
        {
            if (element.ValueKind != JsonValueKind.Object)
            {
                Fail($"{Name(path[..i])} is {Shown(element)}, and an object is allowed");
                return null;
            }

            if (!element.TryGetProperty(path[i], out element) || element.ValueKind == JsonValueKind.Null)
            {
                return null;
            }
        }

        return element;
    }

    private static string Shown(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        _ => element.GetRawText() is { Length: <= 40 } text ? text : "a long text",
    };
}
