using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes.Groups;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>
/// What HAMi writes on a node of its NVIDIA GPUs. The devices are taken whole or not at all; their links likewise, by themselves.
/// </summary>
/// <remarks>
/// Sources, in Project-HAMi/HAMi: pkg/device/devices.go (DeviceInfo, DecodeNodeDevices, UnMarshalNodeDevices, DevicePairScore),
/// pkg/device-plugin/nvidiadevice/nvinternal/plugin/register.go (what is written, and when), pkg/device/nvidia/device.go (names),
/// pkg/device/nvidia/calculate_score.go and links.go (scores), docs/developers/protocol.md (text form). Annotation device-cordon:
/// pull request 2298. hami.io/node-handshake is not read: it changes every 30 seconds, and what it once said of a plugin that is gone
/// stays there in versions whose plugin does not write it any more.
/// </remarks>
internal sealed class HamiAnnotations
{
    /// <summary>The devices, as JSON or, before HAMi 2.5, as text.</summary>
    public const string Register = "hami.io/node-nvidia-register";

    /// <summary>Scores of pairs of devices.</summary>
    public const string Score = "hami.io/node-nvidia-score";

    /// <summary>UUIDs of GPUs that get no new pods, separated by commas.</summary>
    public const string Cordon = "hami.io/device-cordon";

    /// <summary>Longest annotation that is read, in bytes: 64 GPUs have scores of about 200 KiB, which is also near what Kubernetes lets a node have.</summary>
    public const int LongestBytes = 256 * 1024;

    private const string CutMode = "mig";
    private const int LongestId = 128;
    private const int LargestMiB = 16 * 1024 * 1024;
    private const int ScorePerNvlink = 100;
    private const int MostNvlinks = 18;

    private readonly List<string> _warnings = [];
    private string? _register;
    private string? _score;
    private string? _cordon;

    /// <summary>True for the name of an annotation that is one of these.</summary>
    public static bool Reads(ref Utf8JsonReader json) => json.ValueTextEquals(Register) || json.ValueTextEquals(Score) || json.ValueTextEquals(Cordon);

    /// <summary>Takes an annotation that is one of these; false, and nothing has moved, for others.</summary>
    /// <param name="json">Stands on the annotation's name, and afterwards on the end of its value.</param>
    public bool TryTake(ref Utf8JsonReader json)
    {
        if (json.ValueTextEquals(Register))
        {
            _register = Text(ref json, Register);
        }
        else if (json.ValueTextEquals(Score))
        {
            _score = Text(ref json, Score);
        }
        else if (json.ValueTextEquals(Cordon))
        {
            _cordon = Text(ref json, Cordon);
        }
        else
        {
            return false;
        }

        return true;
    }

    /// <summary>What was taken says; null when nothing was.</summary>
    public NodeStatement? ToStatement()
    {
        if (_register is null && _cordon is null && _warnings.Count == 0)
        {
            return null;
        }

        var gpus = _register is null ? [] : Devices(_register);
        var (nvlink, pcie) = _score is null || gpus.IsEmpty ? (null, null) : Links(_score, gpus);
        return new NodeStatement(FactSource.Hami, gpus)
        {
            Nvlink = nvlink,
            Pcie = pcie ?? NodeStatement.PcieBetween(gpus),
            Cordoned = _cordon is null ? [] : Cordoned(_cordon),
            Warnings = [.. _warnings],
        };
    }

    private string? Text(ref Utf8JsonReader json, string name)
    {
        JsonFields.Advance(ref json, name);
        if (json.TokenType == JsonTokenType.String && json.ValueSpan.Length <= LongestBytes)
        {
            return json.GetString();
        }

        if (json.TokenType != JsonTokenType.Null)
        {
            Reject(name, json.TokenType == JsonTokenType.String ? $"it is longer than {LongestBytes / 1024} KiB" : "it is not a string");
            JsonFields.Skip(ref json, name);
        }

        return null;
    }

    private ImmutableArray<GpuStatement> Devices(string text)
    {
        List<Device>? devices;
        string? problem;
        if (text.AsSpan().TrimStart() is ['[', ..])
        {
            devices = FromJson(text, DeviceOf, out problem);
        }
        else
        {
            devices = FromText(text, out problem);
        }

        problem ??= devices is null ? "it is null" : Check(devices);
        if (problem is not null)
        {
            Reject(Register, problem);
            return [];
        }

        // The plugin lists devices in no order. Where it gives no index, which it leaves out for 0, their ids make one that stays.
        var isIndexed = devices!.Select(d => d.Index).Distinct().Count() == devices!.Count;
        var knowsNuma = devices.Exists(d => d.Numa > 0); // 0 is also what it writes when it does not know
        var ordered = isIndexed ? devices.OrderBy(d => d.Index) : devices.OrderBy(d => d.Id, StringComparer.Ordinal);
        return
        [
            .. ordered.Select((device, i) => new GpuStatement
            {
                Number = isIndexed ? device.Index : i,
                Uuid = device.Id,
                Product = ProductOf(device.Type),
                MemoryMiB = device.MemoryMiB,
                Healthy = device.Healthy,
                HealthReason = device.Healthy ? null : $"health is false in {Register}",
                NumaNode = knowsNuma ? device.Numa : -1,
                Mig = device.Mode.Length == 0 ? null : device.Mode == CutMode ? MigMode.OnDemand : MigMode.Disabled,
            }),
        ];
    }

    /// <summary>The plugin puts "NVIDIA-" before the driver's name where that does not begin so, and older ones always.</summary>
    private static string? ProductOf(string type)
    {
        const string Added = "NVIDIA-";
        var label = GpuCatalogue.LabelOf(type);
        return label.Length is 0 or > LongestId ? null
            : label.StartsWith(Added + "NVIDIA-", StringComparison.Ordinal) || label.StartsWith(Added + "Tesla-", StringComparison.Ordinal) ? label[Added.Length..]
            : label;
    }

    private static Device DeviceOf(ObjectFields fields) => new(
        fields.Text("id") ?? "",
        fields.Count("index") ?? 0,
        fields.Integer("count") ?? 0,
        fields.Integer("devmem") ?? 0,
        fields.Text("type") ?? "",
        fields.Integer("numa") ?? 0,
        fields.Text("mode") ?? "",
        fields.Flag("health") ?? false); // left out when false, as all fields

    /// <summary>id,count,memory,cores,type,numa,health[,index,mode] for each device, and a colon behind it.</summary>
    private static List<Device>? FromText(string text, out string? problem)
    {
        var devices = new List<Device>();
        problem = null;
        foreach (var segment in text.Split(':', InterconnectMatrix.MostGpus + 2))
        {
            if (segment.AsSpan().Trim().IsEmpty)
            {
                continue;
            }

            var fields = segment.Split(',', 10);
            if (devices.Count == InterconnectMatrix.MostGpus)
            {
                problem = $"more than {InterconnectMatrix.MostGpus} devices are listed";
                return null;
            }

            if (fields.Length is not (7 or 9)
                || !TryNumber(fields[1], out var count) || !TryNumber(fields[2], out var memory) || !TryNumber(fields[3], out _) || !TryNumber(fields[5], out var numa)
                || !bool.TryParse(fields[6], out var healthy))
            {
                problem = $"device {devices.Count + 1} is not of the form id,count,memory,cores,type,numa,health or id,count,memory,cores,type,numa,health,index,mode";
                return null;
            }

            var index = 0;
            if (fields.Length == 9 && (!TryNumber(fields[7], out index) || index < 0))
            {
                problem = $"the index of device {devices.Count + 1} is not a number from 0 on";
                return null;
            }

            devices.Add(new Device(fields[0].Trim(), index, count, memory, fields[4], numa, fields.Length == 9 ? fields[8] : "", healthy));
        }

        return devices;
    }

    private static bool TryNumber(string text, out int number) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);

    private static string? Check(List<Device> devices)
    {
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (var device in devices)
        {
            if (device.Id.Length is 0 or > LongestId)
            {
                return device.Id.Length == 0 ? "a device has no id" : $"an id is longer than {LongestId} characters";
            }

            if (!ids.Add(device.Id))
            {
                return $"device {device.Id} is listed twice";
            }

            if (device.Count < 0 || device.MemoryMiB is < 0 or > LargestMiB)
            {
                return $"device {device.Id} has count {device.Count} and devmem {device.MemoryMiB}, and numbers from 0 on are allowed, of devmem up to {LargestMiB}";
            }
        }

        var indices = devices.Select(d => d.Index).ToList();
        return indices.Exists(i => i != 0) && indices.Distinct().Count() < indices.Count ? "two devices have the same index" : null;
    }

    /// <summary>A score is 10 to 60 for the PCIe distance, and 100 for each NVLink.</summary>
    private (InterconnectMatrix? Nvlink, InterconnectMatrix? Pcie) Links(string text, ImmutableArray<GpuStatement> gpus)
    {
        var positions = gpus.Select((gpu, i) => (gpu.Uuid!, i)).ToDictionary(StringComparer.Ordinal);
        var scores = new int?[gpus.Length, gpus.Length];
        var rows = FromJson(text, fields => (Row: fields.Text("uuid"), Scores: fields.Keys("score").Select(other => (other, Value: fields.Count("score", other))).ToList()), out var problem);
        foreach (var (row, others) in rows ?? [])
        {
            if (row is null || !positions.TryGetValue(row, out var a))
            {
                continue;
            }

            foreach (var (other, value) in others)
            {
                if (positions.TryGetValue(other, out var b))
                {
                    scores[a, b] = value;
                }
            }
        }

        var nvlink = new int[gpus.Length * gpus.Length];
        var pcie = new PcieLevel[gpus.Length * gpus.Length];
        for (var a = 0; a < gpus.Length && problem is null; a++)
        {
            for (var b = 0; b < gpus.Length; b++)
            {
                var links = scores[a, b] / ScorePerNvlink ?? 0;
                var level = a == b ? PcieLevel.Internal : LevelOf(scores[a, b] % ScorePerNvlink);
                if (level is null || links > MostNvlinks || (a != b && scores[a, b] != scores[b, a]))
                {
                    problem = $"the score of {gpus[a].Uuid} and {gpus[b].Uuid} is missing, differs by direction or is none that HAMi gives";
                    break;
                }

                nvlink[(a * gpus.Length) + b] = a == b ? 0 : links * InterconnectMatrix.UsualNvlinkMBps;
                pcie[(a * gpus.Length) + b] = level.Value;
            }
        }

        if (problem is not null)
        {
            Reject(Score, problem);
            return (null, null);
        }

        // Versions that do not look behind NVSwitches find no NVLink there: none at all says nothing.
        var matrix = new InterconnectMatrix(gpus.Length, nvlink, pcie);
        return (matrix.HasNvlink ? matrix : null, matrix);
    }

    /// <summary>Zero is what HAMi writes where the two directions disagree.</summary>
    private static PcieLevel? LevelOf(int? score) => score switch
    {
        60 => PcieLevel.Internal,
        50 => PcieLevel.Single,
        40 => PcieLevel.Multiple,
        30 => PcieLevel.HostBridge,
        20 => PcieLevel.Node,
        10 or 0 => PcieLevel.System,
        _ => null,
    };

    private ImmutableArray<string> Cordoned(string text)
    {
        var uuids = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToImmutableArray();
        if (uuids.Length > InterconnectMatrix.MostGpus || uuids.Any(u => u.Length > LongestId))
        {
            Reject(Cordon, $"at most {InterconnectMatrix.MostGpus} UUIDs, separated by commas, are allowed");
            return [];
        }

        return uuids;
    }

    /// <summary>The objects of a JSON array; null, and why, when it is none or one of them cannot be used.</summary>
    private static List<T>? FromJson<T>(string text, Func<ObjectFields, T> read, out string? problem)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
            {
                problem = "it is not a JSON array";
                return null;
            }

            if (document.RootElement.GetArrayLength() > InterconnectMatrix.MostGpus)
            {
                problem = $"{document.RootElement.GetArrayLength()} devices are listed, and at most {InterconnectMatrix.MostGpus} are allowed";
                return null;
            }

            var items = new List<T>();
            foreach (var element in document.RootElement.EnumerateArray())
            {
                var fields = new ObjectFields(element);
                if (element.ValueKind != JsonValueKind.Object)
                {
                    problem = $"element {items.Count} is not an object";
                    return null;
                }

                items.Add(read(fields));
                if (fields.Problem is not null)
                {
                    problem = $"of device {items.Count}, {fields.Problem}";
                    return null;
                }
            }

            problem = null;
            return items;
        }
        catch (JsonException e)
        {
            problem = $"it is not JSON: {e.Message.TrimEnd('.')}";
            return null;
        }
        catch (InvalidOperationException)
        {
            problem = "it holds a string that is not valid Unicode";
            return null;
        }
    }

    private void Reject(string annotation, string why) => _warnings.Add($"annotation {annotation} is not used: {why}");

    private sealed record Device(string Id, int Index, int Count, int MemoryMiB, string Type, int Numa, string Mode, bool Healthy);
}
