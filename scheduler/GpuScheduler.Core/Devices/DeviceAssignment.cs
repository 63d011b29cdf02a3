using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Core.Devices;

/// <summary>One device, or a share of one, that a pod holds.</summary>
/// <param name="Gpu">Index of the GPU on its node.</param>
/// <param name="Uuid">UUID of the GPU or, for a MIG device, of that device; null when unknown.</param>
/// <param name="Mig">The interval, for a MIG device.</param>
/// <param name="MemoryMiB">Memory share in MiB; 0 when none was asked for or the device is not shared.</param>
/// <param name="Milli">Compute share in milli-GPU; 0 when none was asked for or the device is not shared.</param>
public readonly record struct AssignedDevice(int Gpu, string? Uuid = null, MigPlacement? Mig = null, int MemoryMiB = 0, int Milli = 0)
{
    /// <summary>True for a share of a GPU.</summary>
    public bool IsShare => MemoryMiB > 0 || Milli > 0;

    /// <summary>True for a whole GPU.</summary>
    public bool IsWhole => Mig is null && !IsShare;
}

/// <summary>
/// The devices of one pod. As an annotation it is a JSON list with one object a device:
/// <c>{"gpu":0,"uuid":"GPU-…"}</c> for a whole GPU, <c>{"gpu":2,"mig":"1g.10gb","start":4,"size":1}</c> for a MIG device,
/// <c>{"gpu":1,"memoryMiB":4096,"milli":250}</c> for a share. The uuid is left out where it is unknown.
/// </summary>
/// <param name="Devices">The devices, ordered by GPU, then by start.</param>
public sealed record DeviceAssignment(ImmutableArray<AssignedDevice> Devices)
{
    /// <summary>Most devices that an annotation may list; a longer one is not believed.</summary>
    private const int MostDevices = 1024;

    /// <summary>No device.</summary>
    public static DeviceAssignment Empty { get; } = new([]);

    /// <summary>The annotation's value.</summary>
    public string ToAnnotation()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var device in Devices)
            {
                json.WriteStartObject();
                json.WriteNumber("gpu"u8, device.Gpu);
                if (device.Mig is { } mig)
                {
                    json.WriteString("mig"u8, mig.Profile);
                    json.WriteNumber("start"u8, mig.Start);
                    json.WriteNumber("size"u8, mig.Size);
                }

                if (device.MemoryMiB > 0)
                {
                    json.WriteNumber("memoryMiB"u8, device.MemoryMiB);
                }

                if (device.Milli > 0)
                {
                    json.WriteNumber("milli"u8, device.Milli);
                }

                if (device.Uuid is { } uuid)
                {
                    json.WriteString("uuid"u8, uuid);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>
    /// The list for NVIDIA_VISIBLE_DEVICES: UUIDs where all are known, else GPU indices. Null where neither names the devices (a
    /// MIG device whose UUID is unknown).
    /// </summary>
    public string? ToVisibleDevices()
    {
        if (Devices.All(d => d.Uuid is not null))
        {
            return string.Join(',', Devices.Select(d => d.Uuid));
        }

        return Devices.Any(d => d.Mig is not null)
            ? null
            : string.Join(',', Devices.Select(d => d.Gpu.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Reads an annotation's value. False, with the reason, when it is not of the form given above.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out DeviceAssignment? assignment, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(text);
        assignment = Read(text);
        why = assignment is null ? "a JSON list of devices is allowed, as the scheduler writes it at bind" : null;
        return assignment is not null;
    }

    private static DeviceAssignment? Read(string text)
    {
        try
        {
            var json = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
            {
                return null;
            }

            var devices = ImmutableArray.CreateBuilder<AssignedDevice>();
            while (json.Read() && json.TokenType == JsonTokenType.StartObject)
            {
                if (devices.Count == MostDevices || !TryReadDevice(ref json, out var device))
                {
                    return null;
                }

                devices.Add(device);
            }

            return json.TokenType == JsonTokenType.EndArray && !json.Read() ? new DeviceAssignment(devices.ToImmutable()) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static bool TryReadDevice(ref Utf8JsonReader json, out AssignedDevice device)
    {
        int? gpu = null;
        string? uuid = null;
        string? profile = null;
        var start = 0;
        var size = 0;
        var memory = 0;
        var milli = 0;
        device = default;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var name = json.GetString();
            json.Read();
            switch (name)
            {
                case "gpu":
                    gpu = json.GetInt32();
                    break;
                case "uuid":
                    uuid = json.GetString();
                    break;
                case "mig":
                    profile = json.GetString();
                    break;
                case "start":
                    start = json.GetInt32();
                    break;
                case "size":
                    size = json.GetInt32();
                    break;
                case "memoryMiB":
                    memory = json.GetInt32();
                    break;
                case "milli":
                    milli = json.GetInt32();
                    break;
                default:
                    json.Skip();
                    break;
            }
        }

        if (gpu is not (>= 0 and < InterconnectMatrix.MostGpus) || memory < 0 || milli is < 0 or > 1000
            || (profile is not null && (start is < 0 or > 7 || size is < 1 or > 8 || start + size > 8)))
        {
            return false;
        }

        device = new AssignedDevice(gpu.Value, uuid, profile is null ? null : new MigPlacement(profile, start, size), memory, milli);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(DeviceAssignment? other) => other is not null && Devices.AsSpan().SequenceEqual(other.Devices.AsSpan());

    /// <inheritdoc/>
    public override int GetHashCode() => Devices.Length == 0 ? 0 : HashCode.Combine(Devices.Length, Devices[0]);
}
