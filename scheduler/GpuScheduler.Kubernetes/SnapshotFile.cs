using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Kubernetes.Groups;
using GpuScheduler.Kubernetes.Sources;
using YamlDotNet.Core;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Reads what kubectl get nodes,pods,gpunodes -A -o yaml (or -o json) writes: a List of mixed kinds, a NodeList or PodList, or single
/// objects, in one YAML document or several. ResourceSlices, Devices of Koordinator and objects that declare groups of pods (podgroups,
/// jobs and so on) may be among them. YAML is turned into JSON an object at a time, and everything passes the same readers as what
/// comes from the API server.
/// </summary>
public static class SnapshotFile
{
    private const string HowToMake = "write it with: kubectl get nodes,pods,gpunodes -A -o yaml";

    /// <summary>Reads a file.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="dialects">The sharing dialects that are read in pods; null for all.</param>
    /// <param name="demands">True to read what all pending pods that want GPUs ask of nodes beside resources.</param>
    /// <exception cref="InvalidSnapshotException">There is no such file, or it is not of the form above. The message says where and what to change.</exception>
    public static ClusterSnapshotContents Load(string path, DialectSet? dialects = null, bool demands = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var draft = new Draft(path, dialects, demands);
        try
        {
            using var file = new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan });
            if (IsJson(file))
            {
                file.Position = 0;
                var bytes = new byte[file.Length];
                file.ReadExactly(bytes);
                LoadJson(bytes, draft);
            }
            else
            {
                file.Position = 0;
                using var text = new StreamReader(file);
                LoadYaml(text, draft);
            }
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidSnapshotException($"{path} does not exist: correct the path, or {HowToMake}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidSnapshotException($"{path} cannot be read: {e.Message}", e);
        }

        return draft.Finish();
    }

    /// <summary>By its first character; a byte order mark and blanks before it do not count.</summary>
    private static bool IsJson(FileStream file)
    {
        Span<byte> start = stackalloc byte[4096];
        while (file.Read(start) is > 0 and var length)
        {
            var rest = start[..length];
            if (file.Position == length && rest.StartsWith("\uFEFF"u8))
            {
                rest = rest[3..];
            }

            if (rest.IndexOfAnyExcept(" \t\r\n"u8) is >= 0 and var at)
            {
                return rest[at] == '{';
            }
        }

        return false;
    }

    private static void LoadJson(byte[] bytes, Draft draft)
    {
        var start = bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0;
        var json = new Utf8JsonReader(bytes.AsSpan(start), new JsonReaderOptions { AllowMultipleValues = true });
        try
        {
            while (json.Read())
            {
                var from = (int)json.TokenStartIndex + start;
                JsonFields.Skip(ref json, "the file");
                LoadObject(bytes, from..((int)json.BytesConsumed + start), draft);
            }
        }
        catch (JsonException e)
        {
            throw draft.Wrong((e.LineNumber ?? 0) + 1, $"it is not JSON: {e.Message.TrimEnd('.')}. {HowToMake}", e);
        }
    }

    private static void LoadObject(byte[] bytes, Range whole, Draft draft)
    {
        var text = bytes.AsSpan(whole);
        var line = LineOf(bytes, whole.Start.Value);
        var heading = draft.HeadingOf(text, line);
        if (heading.Items is not { } items)
        {
            draft.Add(heading, text, line);
            return;
        }

        var counted = whole.Start.Value;
        var json = new Utf8JsonReader(text[items.Start..]);
        json.Read();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var from = (int)json.TokenStartIndex + items.Start.Value;
            json.Skip();
            var item = text[from..((int)json.BytesConsumed + items.Start.Value)];
            line += bytes.AsSpan(counted..(whole.Start.Value + from)).Count((byte)'\n');
            counted = whole.Start.Value + from;
            draft.Add(heading.Of(draft.HeadingOf(item, line)), item, line);
        }
    }

    private static void LoadYaml(TextReader text, Draft draft)
    {
        var yaml = new YamlToJson(new Parser(text));
        try
        {
            // Kubectl writes the kind of a list after its items, so that items without a kind of their own have to wait for it.
            var waiting = new List<(byte[] Item, long Line)>();
            while (yaml.NextDocument())
            {
                waiting.Clear();
                var line = yaml.Line;
                var body = yaml.ReadObject((item, itemLine) =>
                {
                    if (draft.HeadingOf(item, itemLine) is { Kind.Length: > 0 } own)
                    {
                        draft.Add(own, item, itemLine);
                    }
                    else
                    {
                        waiting.Add((item.ToArray(), itemLine));
                    }
                }, out var isList);
                if (body is null)
                {
                    continue;
                }

                var heading = draft.HeadingOf(body.Value.Span, line);
                if (!isList)
                {
                    draft.Add(heading, body.Value.Span, line);
                }

                foreach (var (item, itemLine) in waiting)
                {
                    draft.Add(heading.Of(new ObjectHeading("", "", null)), item, itemLine);
                }
            }
        }
        catch (YamlException e)
        {
            throw draft.Wrong(e.Start.Line, $"it is not YAML as kubectl writes it: {e.Message.TrimEnd('.')}. {HowToMake}", e);
        }
    }

    private static long LineOf(byte[] bytes, int offset) => bytes.AsSpan(0, offset).Count((byte)'\n') + 1;

    private sealed class Draft(string path, DialectSet? dialects, bool demands)
    {
        private readonly List<NodeObject> _nodes = [];
        private readonly List<PodInfo> _pods = [];
        private readonly Dictionary<string, NodeReport> _reports = new(StringComparer.Ordinal);
        private readonly Dictionary<string, NodeStatement> _devices = new(StringComparer.Ordinal);
        private readonly ResourceSliceTable _slices = new();
        private readonly List<GroupObject> _groups = [];
        private readonly Dictionary<string, int> _ignored = new(StringComparer.Ordinal);
        private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

        public void Add(ObjectHeading heading, ReadOnlySpan<byte> json, long line)
        {
            var kind = heading.Kind;
            try
            {
                switch (kind)
                {
                    case "Node":
                        var node = NodeJsonReader.Read(json);
                        _nodes.Add(Once(node, $"node {node.Name}", line));
                        break;
                    case "Pod":
                        var pod = PodJsonReader.Read(json, nameStandsForUid: true, dialects: dialects, demands: demands);
                        _pods.Add(Once(pod, $"the pod with UID {pod.Uid}", line));
                        break;
                    case "GpuNode":
                        var (name, report) = GpuNodeReader.Read(json);
                        _reports[name] = Once(report, $"the report of node {name}", line);
                        break;
                    case "Device" when heading.IsOf(SourceResources.KoordinatorDevices):
                        var device = KoordinatorDeviceReader.Read(json);
                        _devices[device.Node] = Once(device.Statement, $"the Device of node {device.Node}", line);
                        break;
                    case "ResourceSlice" when heading.IsOf(SourceResources.ResourceSlices):
                        var slice = ResourceSliceReader.Read(json);
                        _slices.Upsert(Once(slice, $"ResourceSlice {slice.Name}", line));
                        break;
                    case "":
                        throw Wrong(line, $"an object without a kind: {HowToMake}");
                    case var _ when GroupResources.Find(heading.ApiVersion, kind) is { } resource:
                        var item = GroupObjectReader.Read(resource, json);
                        _groups.Add(Once(item, item.Id.ToString(), line));
                        break;
                    default:
                        _ignored[kind] = _ignored.GetValueOrDefault(kind) + 1;
                        break;
                }
            }
            catch (JsonException e)
            {
                throw Wrong(line + (e.LineNumber ?? 0), $"this {kind} cannot be read: {e.Message}", e);
            }
            catch (InvalidReportException e)
            {
                throw Wrong(line, e.Message, e);
            }
        }

        public ObjectHeading HeadingOf(ReadOnlySpan<byte> json, long line)
        {
            try
            {
                return ObjectHeading.Read(json);
            }
            catch (JsonException e)
            {
                throw Wrong(line + (e.LineNumber ?? 0), $"{e.Message}: {HowToMake}", e);
            }
        }

        public InvalidSnapshotException Wrong(long line, string what, Exception? cause = null) =>
            new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{path}:{line}: {what}"), cause);

        public ClusterSnapshotContents Finish()
        {
            if (_nodes.Count == 0)
            {
                var others = _pods.Count + _reports.Count + _devices.Count + _groups.Count + _ignored.Values.Sum();
                throw new InvalidSnapshotException($"{path} has no nodes in it ({others} other objects): {HowToMake}");
            }

            return new ClusterSnapshotContents
            {
                Nodes = _nodes,
                Pods = _pods,
                Reports = _reports,
                Statements = new Dictionary<FactSource, IReadOnlyDictionary<string, NodeStatement>>
                {
                    [FactSource.ResourceSlice] = _slices.Statements(),
                    [FactSource.Koordinator] = _devices,
                },
                GroupObjects = _groups,
                Ignored = _ignored,
            };
        }

        private T Once<T>(T value, string what, long line) =>
            _seen.Add(what) ? value : throw Wrong(line, $"{what} is in the file twice: leave one of them out");
    }
}
