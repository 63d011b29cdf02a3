using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Turns YAML documents into JSON, the items of a list one by one. Scalars are typed as kubectl means them: what is quoted is a
/// string; what is plain is null, a boolean or a number where it looks like one by YAML's core schema, and else a string.
/// </summary>
/// <param name="parser">The events.</param>
internal sealed class YamlToJson(IParser parser)
{
    /// <summary>Deeper than any object of the API; and so deep that a stack bears it.</summary>
    private const int MostDepth = 60;

    /// <summary>Aliases can make a short file a huge one; the API server takes no object over 3 MB or so.</summary>
    private const int MostBytes = 32 * 1024 * 1024;

    private readonly Dictionary<AnchorName, ParsingEvent[]> _anchors = [];
    private readonly List<Recording> _recordings = [];
    private readonly ArrayBufferWriter<byte> _body = new();
    private readonly ArrayBufferWriter<byte> _item = new();
    private readonly Stack<(ParsingEvent[] Events, int At)> _replays = [];

    /// <summary>Receives an item of a list.</summary>
    /// <param name="json">The item; good until the call returns.</param>
    /// <param name="line">Line on which it begins.</param>
    public delegate void ItemReader(ReadOnlySpan<byte> json, long line);

    /// <summary>Line of the event to come.</summary>
    public long Line => parser.Current?.Start.Line ?? 1;

    /// <summary>Moves to the content of the next document. False after the last.</summary>
    public bool NextDocument()
    {
        _anchors.Clear();
        while (parser.MoveNext())
        {
            if (parser.Current is DocumentStart)
            {
                parser.MoveNext();
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Reads the document: its items, if it is a list, go to the delegate, and the rest is returned as JSON, good until the next
    /// call. Null for an empty document.
    /// </summary>
    public ReadOnlyMemory<byte>? ReadObject(ItemReader onItem, out bool isList)
    {
        isList = false;
        var root = Take();
        if (root is Scalar { IsQuotedImplicit: false, Value: "" })
        {
            return null;
        }

        if (root is not MappingStart)
        {
            throw new YamlException(root.Start, root.End, "an object (fields of the form name: value) must stand here");
        }

        _body.ResetWrittenCount();
        using var json = new Utf8JsonWriter(_body);
        json.WriteStartObject();
        while (Take() is var name and not MappingEnd)
        {
            var key = Key(name);
            var value = Take();
            if (key == "items" && value is SequenceStart)
            {
                isList = true;
                while (Take() is var item and not SequenceEnd)
                {
                    var line = item.Start.Line;
                    _item.ResetWrittenCount();
                    using var itemJson = new Utf8JsonWriter(_item);
                    WriteNode(itemJson, item, 0);
                    itemJson.Flush();
                    onItem(_item.WrittenSpan, line);
                }
            }
            else
            {
                json.WritePropertyName(key);
                WriteNode(json, value, 1);
            }
        }

        json.WriteEndObject();
        json.Flush();
        return _body.WrittenMemory;
    }

    private void WriteNode(Utf8JsonWriter json, ParsingEvent node, int depth)
    {
        if (depth > MostDepth)
        {
            throw new YamlException(node.Start, node.End, "it is nested too deeply");
        }

        if (json.BytesCommitted + json.BytesPending > MostBytes)
        {
            throw new YamlException(node.Start, node.End, "this object is too large");
        }

        switch (node)
        {
            case Scalar scalar:
                WriteScalar(json, scalar);
                break;
            case MappingStart:
                json.WriteStartObject();
                while (Take() is var name and not MappingEnd)
                {
                    json.WritePropertyName(Key(name));
                    WriteNode(json, Take(), depth + 1);
                }

                json.WriteEndObject();
                break;
            case SequenceStart:
                json.WriteStartArray();
                while (Take() is var element and not SequenceEnd)
                {
                    WriteNode(json, element, depth + 1);
                }

                json.WriteEndArray();
                break;
            case AnchorAlias alias:
                if (!_anchors.TryGetValue(alias.Value, out var events))
                {
                    throw new YamlException(alias.Start, alias.End, $"the alias *{alias.Value} has no anchor before it");
                }

                _replays.Push((events, 0));
                WriteNode(json, Take(), depth + 1);
                break;
            default:
                throw new YamlException(node.Start, node.End, "a value must stand here");
        }
    }

    /// <summary>The next event: of an alias that is being written out, or else of the file.</summary>
    private ParsingEvent Take()
    {
        while (_replays.Count > 0)
        {
            var (events, at) = _replays.Pop();
            if (at < events.Length)
            {
                _replays.Push((events, at + 1));
                return events[at];
            }
        }

        var taken = parser.Current ?? throw new YamlException("the file ends too early");
        parser.MoveNext();
        if (taken is Comment)
        {
            return Take();
        }

        Record(taken);
        return taken;
    }

    /// <summary>Keeps the events of nodes with an anchor.</summary>
    private void Record(ParsingEvent taken)
    {
        if (taken is NodeEvent { Anchor.IsEmpty: false } anchored)
        {
            _recordings.Add(new Recording(anchored.Anchor));
        }

        for (var i = _recordings.Count - 1; i >= 0; i--)
        {
            var recording = _recordings[i];
            recording.Events.Add(taken);
            recording.Depth += taken.NestingIncrease;
            if (recording.Depth == 0)
            {
                _anchors[recording.Anchor] = [.. recording.Events];
                _recordings.RemoveAt(i);
            }
        }
    }

    private static string Key(ParsingEvent node)
    {
        if (node is not Scalar scalar)
        {
            throw new YamlException(node.Start, node.End, "the name of a field must be plain text");
        }

        return scalar is { Style: ScalarStyle.Plain, Value: "<<" }
            ? throw new YamlException(node.Start, node.End, "merge keys (<<) are not read: write the fields out")
            : scalar.Value;
    }

    private static void WriteScalar(Utf8JsonWriter json, Scalar scalar)
    {
        var value = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain || (!scalar.Tag.IsEmpty && scalar.Tag.Value == "tag:yaml.org,2002:str"))
        {
            json.WriteStringValue(value);
            return;
        }

        switch (value)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                json.WriteNullValue();
                break;
            case "true" or "True" or "TRUE":
                json.WriteBooleanValue(true);
                break;
            case "false" or "False" or "FALSE":
                json.WriteBooleanValue(false);
                break;
            default:
                if (TryNumber(value, out var number))
                {
                    json.WriteRawValue(number);
                }
                else
                {
                    json.WriteStringValue(value);
                }

                break;
        }
    }

    /// <summary>A number of the core schema, as JSON writes it: without a plus, leading zeros, or a bare point.</summary>
    private static bool TryNumber(string text, out string json)
    {
        json = text;
        if (text.Length > 2 && text[0] == '0' && text[1] is 'x' or 'o')
        {
            try
            {
                json = Convert.ToUInt64(text[2..], text[1] == 'x' ? 16 : 8).ToString(CultureInfo.InvariantCulture);
                return true;
            }
            catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
            {
                return false;
            }
        }

        var at = text.Length > 0 && text[0] is '+' or '-' ? 1 : 0;
        var whole = Digits(text, ref at);
        var fraction = ReadOnlySpan<char>.Empty;
        if (at < text.Length && text[at] == '.')
        {
            at++;
            fraction = Digits(text, ref at);
        }

        if (whole.IsEmpty && fraction.IsEmpty)
        {
            return false;
        }

        var exponent = text.AsSpan(at);
        if (!exponent.IsEmpty)
        {
            if (exponent[0] is not ('e' or 'E'))
            {
                return false;
            }

            at++;
            if (at < text.Length && text[at] is '+' or '-')
            {
                at++;
            }

            if (Digits(text, ref at).IsEmpty || at < text.Length)
            {
                return false;
            }
        }

        var made = new StringBuilder(text.Length + 2);
        made.Append(text[0] == '-' ? "-" : "");
        whole = whole.TrimStart('0');
        made.Append(whole.IsEmpty ? "0" : whole);
        if (!fraction.IsEmpty)
        {
            made.Append('.').Append(fraction);
        }

        json = made.Append(exponent).ToString();
        return true;
    }

    private static ReadOnlySpan<char> Digits(string text, scoped ref int at)
    {
        var from = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        return text.AsSpan(from, at - from);
    }

    private sealed class Recording(AnchorName anchor)
    {
        public AnchorName Anchor { get; } = anchor;

        public List<ParsingEvent> Events { get; } = [];

        public int Depth { get; set; }
    }
}
