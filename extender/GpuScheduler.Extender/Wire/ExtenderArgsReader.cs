using System.Buffers;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes;

namespace GpuScheduler.Extender.Wire;

/// <summary>
/// Reads ExtenderArgs ({"Pod":…,"Nodes":…,"NodeNames":…}) from a stream, piece by piece: the pod as an object, of thousands of
/// nodes only the name (and, for filter, the bytes as they came; and, for a simulation, those that are not known as objects). Property names are matched in any case, as Go does; unknown ones
/// are passed over; null is absent; of a property given twice the last counts.
/// </summary>
internal sealed class ExtenderArgsReader
{
    /// <summary>Bodies up to this size are read whole; larger ones through a window of it.</summary>
    private const int Window = 512 * 1024;

    /// <summary>A single object (a pod, a node) may be as large as etcd's own limit allows, generously.</summary>
    private const int LargestObject = 16 * 1024 * 1024;

    private readonly ExtenderArgs _args;
    private readonly bool _keepBodies;
    private readonly DialectSet? _dialects;
    private readonly bool _readsUnknown;
    private JsonReaderState _json;
    private Place _place = Place.Start;

    private ExtenderArgsReader(ExtenderArgs args, bool keepBodies, DialectSet? dialects, bool readsUnknown)
    {
        _readsUnknown = readsUnknown;
        _dialects = dialects;
        _args = args;
        _keepBodies = keepBodies;
    }

    private enum Place
    {
        Start,
        Top,
        Pod,
        Names,
        NameList,
        Nodes,
        NodeList,
        Items,
        ItemList,
        SkipTop,
        SkipNodeList,
        End,
    }

    /// <summary>Reads a body.</summary>
    /// <param name="body">The body.</param>
    /// <param name="contentLength">Its length, when known.</param>
    /// <param name="snapshot">Where names are looked up.</param>
    /// <param name="keepBodies">True to keep full Node objects for the answer.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <param name="dialects">The sharing dialects that are read in the pod; null for all.</param>
    /// <param name="readsUnknown">True to read the Node objects of nodes that are not known, into <see cref="ExtenderArgs.Templates"/>.</param>
    /// <exception cref="WireException">The body cannot be understood.</exception>
    public static async ValueTask<ExtenderArgs> ReadAsync(Stream body, long? contentLength, Snapshot snapshot, bool keepBodies, CancellationToken cancellation, DialectSet? dialects = null, bool readsUnknown = false)
    {
        var args = new ExtenderArgs(snapshot);
        var reader = new ExtenderArgsReader(args, keepBodies, dialects, readsUnknown);
        var window = ArrayPool<byte>.Shared.Rent((int)Math.Clamp(contentLength ?? Window, 1024, Window));
        try
        {
            var filled = 0;
            long read = 0;
            var final = false;
            while (reader._place != Place.End)
            {
                while (filled < window.Length && !final)
                {
                    var got = await body.ReadAsync(window.AsMemory(filled), cancellation);
                    filled += got;
                    read += got;
                    final = got == 0 || read == contentLength;
                }

                if (read == 0)
                {
                    throw new WireException("the body is empty; ExtenderArgs as JSON are expected");
                }

                var consumed = reader.Parse(window.AsSpan(0, filled), final);
                if (reader._place == Place.End)
                {
                    break;
                }

                if (final)
                {
                    throw new WireException("the body ends in the middle of the JSON");
                }

                window.AsSpan(consumed, filled - consumed).CopyTo(window);
                filled -= consumed;
                if (filled == window.Length)
                {
                    window = Grow(window, filled);
                }
            }

            if (args.Pod is null)
            {
                throw new WireException("Pod is missing");
            }

            if (!args.HasNames && !args.HasNodes)
            {
                throw new WireException("neither NodeNames nor Nodes is given");
            }

            return args;
        }
        catch (Exception e)
        {
            args.Dispose();
            if (e is JsonException or InvalidOperationException)
            {
                // The latter is the framework's word for text that is not valid Unicode.
                throw new WireException($"the body is not as expected: {e.Message}");
            }

            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(window);
        }
    }

    private static byte[] Grow(byte[] window, int filled)
    {
        if (window.Length >= LargestObject)
        {
            throw new WireException($"a single object is larger than {LargestObject / 1024 / 1024} MiB");
        }

        var larger = ArrayPool<byte>.Shared.Rent(window.Length * 2);
        window.AsSpan(0, filled).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(window);
        return larger;
    }

    /// <summary>Reads as far as whole things reach. Returns how many bytes are done with.</summary>
    private int Parse(ReadOnlySpan<byte> data, bool final)
    {
        var reader = new Utf8JsonReader(data, final, _json);
        while (_place != Place.End && Step(ref reader, data))
        {
        }

        _json = reader.CurrentState;
        return (int)reader.BytesConsumed;
    }

    /// <summary>One step. False, with the reader where it was, when more bytes are needed.</summary>
    private bool Step(ref Utf8JsonReader reader, ReadOnlySpan<byte> data)
    {
        var before = reader;
        bool done;
        switch (_place)
        {
            case Place.Start:
                done = reader.Read() && Expect(ref reader, JsonTokenType.StartObject, Place.Top, "an object with Pod and NodeNames or Nodes is expected");
                break;
            case Place.Top:
                done = reader.Read();
                if (done)
                {
                    _place = reader.TokenType == JsonTokenType.EndObject ? Place.End : Property(ref reader);
                }

                break;
            case Place.Pod:
                done = TryReadPod(ref reader, data);
                break;
            case Place.Names:
                done = reader.Read() && OpenList(ref reader, Place.NameList, "NodeNames must be a list of names");
                if (_place == Place.NameList)
                {
                    (_args.HasNames, _args.HasNodes) = (true, false);
                }

                break;
            case Place.NameList:
                // It goes back by itself, to the name that is cut off: those before it are done with.
                return ReadNames(ref reader);
            case Place.Nodes:
                done = reader.Read();
                if (done && reader.TokenType != JsonTokenType.Null)
                {
                    Expect(ref reader, JsonTokenType.StartObject, Place.NodeList, "Nodes must be a NodeList");
                    (_args.HasNames, _args.HasNodes) = (false, true);
                    _args.ClearNodes();
                }
                else if (done)
                {
                    _place = Place.Top;
                }

                break;
            case Place.NodeList:
                done = reader.Read();
                if (done)
                {
                    _place = reader.TokenType == JsonTokenType.EndObject ? Place.Top : Is(ref reader, "items") ? Place.Items : Place.SkipNodeList;
                }

                break;
            case Place.Items:
                done = reader.Read() && OpenList(ref reader, Place.ItemList, "Nodes.items must be a list of Nodes");
                if (done && _place == Place.Top)
                {
                    _place = Place.NodeList;
                }

                break;
            case Place.ItemList:
                done = TryReadItem(ref reader, data);
                break;
            default:
                // The reader stands on the property's name; its value is passed over.
                done = reader.Read() && reader.TrySkip();
                if (done)
                {
                    _place = _place == Place.SkipTop ? Place.Top : Place.NodeList;
                }

                break;
        }

        if (!done)
        {
            reader = before;
        }

        return done;
    }

    private static Place Property(ref Utf8JsonReader reader) =>
        Is(ref reader, "Pod") ? Place.Pod : Is(ref reader, "NodeNames") ? Place.Names : Is(ref reader, "Nodes") ? Place.Nodes : Place.SkipTop;

    private static bool Is(ref Utf8JsonReader reader, string name) =>
        reader.ValueIsEscaped ? name.Equals(reader.GetString(), StringComparison.OrdinalIgnoreCase) : Ascii.EqualsIgnoreCase(reader.ValueSpan, name);

    private bool Expect(ref Utf8JsonReader reader, JsonTokenType type, Place next, string otherwise)
    {
        if (reader.TokenType != type)
        {
            throw new WireException($"{otherwise}, not {Describe(reader.TokenType)}");
        }

        _place = next;
        return true;
    }

    private bool OpenList(ref Utf8JsonReader reader, Place list, string otherwise)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            _place = Place.Top;
            return true;
        }

        Expect(ref reader, JsonTokenType.StartArray, list, otherwise);
        _args.ClearNodes();
        return true;
    }

    private bool TryReadPod(ref Utf8JsonReader reader, ReadOnlySpan<byte> data)
    {
        if (!reader.Read())
        {
            return false;
        }

        if (reader.TokenType != JsonTokenType.Null)
        {
            Expect(ref reader, JsonTokenType.StartObject, Place.Pod, "Pod must be an object");
            var start = (int)reader.TokenStartIndex;
            if (!reader.TrySkip())
            {
                return false;
            }

            _args.Pod = PodJsonReader.Read(data[start..(int)reader.BytesConsumed], dialects: _dialects);
        }

        _place = Place.Top;
        return true;
    }

    private bool ReadNames(ref Utf8JsonReader reader)
    {
        while (true)
        {
            var before = reader;
            if (!reader.Read())
            {
                reader = before;
                return false;
            }

            if (reader.TokenType == JsonTokenType.EndArray)
            {
                _place = Place.Top;
                return true;
            }

            if (reader.TokenType != JsonTokenType.String)
            {
                throw new WireException($"NodeNames must be a list of names, and holds {Describe(reader.TokenType)}");
            }

            AddName(ref reader);
        }
    }

    private bool AddName(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
        {
            return _args.TryAdd(reader.ValueSpan);
        }

        var name = ArrayPool<byte>.Shared.Rent(reader.ValueSpan.Length);
        var length = reader.CopyString(name);
        var added = _args.TryAdd(name.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(name);
        return added;
    }

    private bool TryReadItem(ref Utf8JsonReader reader, ReadOnlySpan<byte> data)
    {
        if (!reader.Read())
        {
            return false;
        }

        if (reader.TokenType == JsonTokenType.EndArray)
        {
            _place = Place.NodeList;
            return true;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new WireException($"Nodes.items must be a list of Nodes, and holds {Describe(reader.TokenType)}");
        }

        var start = (int)reader.TokenStartIndex;
        var depth = reader.CurrentDepth;
        var named = false;
        var added = false;
        var unknown = _args.Unknown.Count;
        while (true)
        {
            if (!reader.Read())
            {
                return false;
            }

            if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == depth)
            {
                break;
            }

            // The name is looked up only once the whole object is there; until then a false return starts it anew.
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == depth + 1 && reader.ValueTextEquals("metadata"u8))
            {
                var metadata = reader;
                if (!reader.Read() || !reader.TrySkip())
                {
                    return false;
                }

                if (!TryFindName(ref metadata, out var name))
                {
                    continue;
                }

                var rest = reader;
                if (!TryFinish(ref rest, depth))
                {
                    return false;
                }

                named = true;
                added = AddName(ref name);
                reader = rest;
                break;
            }
        }

        if (!named)
        {
            throw new WireException("a Node in Nodes.items has no metadata.name");
        }

        var item = data[start..(int)reader.BytesConsumed];
        if (_readsUnknown && _args.Unknown.Count > unknown)
        {
            _args.Templates.Add(TemplateOf(item));
        }

        if (_keepBodies && added)
        {
            _args.BodyRanges.Add((_args.Bodies.Length, item.Length));
            _args.Bodies.Write(item);
            _args.Bodies.Write((byte)',');
        }

        return true;
    }

    private static TemplateNode TemplateOf(ReadOnlySpan<byte> item)
    {
        try
        {
            return TemplateNode.Of(NodeJsonReader.Read(item));
        }
        catch (JsonException e)
        {
            return TemplateNode.Unreadable(e.Message);
        }
    }

    /// <summary>From the property "metadata": moves to the string that is its name.</summary>
    private static bool TryFindName(ref Utf8JsonReader reader, out Utf8JsonReader name)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isName = reader.ValueTextEquals("name"u8);
                reader.Read();
                if (isName && reader.TokenType == JsonTokenType.String)
                {
                    name = reader;
                    return true;
                }

                reader.TrySkip();
            }
        }

        name = default;
        return false;
    }

    private static bool TryFinish(ref Utf8JsonReader reader, int depth)
    {
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.EndObject && reader.CurrentDepth == depth)
            {
                return true;
            }
        }

        return false;
    }

    private static string Describe(JsonTokenType type) => type switch
    {
        JsonTokenType.StartObject => "an object",
        JsonTokenType.StartArray => "a list",
        JsonTokenType.String => "a string",
        JsonTokenType.Number => "a number",
        JsonTokenType.True or JsonTokenType.False => "a boolean",
        JsonTokenType.Null => "null",
        _ => "something else",
    };
}
