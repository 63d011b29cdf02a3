using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>A GPU, or a share of one, that a container is given, as HAMi and Volcano say it.</summary>
/// <param name="Uuid">UUID of the GPU.</param>
/// <param name="MemoryMiB">Memory, in MiB.</param>
/// <param name="Cores">Compute, in percent; 0 for no limit.</param>
internal readonly record struct VgpuDevice(string Uuid, int MemoryMiB, int Cores);

/// <summary>
/// The text in which HAMi's and Volcano's annotations list devices: "UUID,type,memory,cores:" for each, container after container. HAMi
/// ends each container with ';', Volcano puts it between them. Sources: Project-HAMi/HAMi pkg/device/devices.go (EncodePodSingleDevice,
/// DecodePodDevices), Project-HAMi/volcano-vgpu-device-plugin pkg/plugin/vgpu/util/util.go (EncodePodDevices).
/// </summary>
internal static class VgpuText
{
    private const string Type = "NVIDIA";

    /// <summary>Writes the devices of each container.</summary>
    public static string Write(IReadOnlyList<IReadOnlyList<VgpuDevice>> containers, bool endsContainers)
    {
        var text = new StringBuilder();
        for (var i = 0; i < containers.Count; i++)
        {
            if (i > 0 && !endsContainers)
            {
                text.Append(';');
            }

            foreach (var device in containers[i])
            {
                text.Append(CultureInfo.InvariantCulture, $"{device.Uuid},{Type},{device.MemoryMiB},{device.Cores}:");
            }

            if (endsContainers)
            {
                text.Append(';');
            }
        }

        return text.ToString();
    }

    /// <summary>Reads the devices of all containers; entries without a UUID, which stand for a container without, are left out.</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out List<VgpuDevice>? devices)
    {
        devices = [];
        foreach (var entry in text.Split([';', ':'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var fields = entry.Split(',');
            if (fields.Length < 4 || !FieldValue.TryInteger(fields[2], 0, int.MaxValue, out var memory) || !FieldValue.TryInteger(fields[3], 0, int.MaxValue, out var cores))
            {
                devices = null;
                return false;
            }

            if (fields[0].Length > 0)
            {
                devices.Add(new VgpuDevice(fields[0], memory, cores));
            }
        }

        return true;
    }
}
