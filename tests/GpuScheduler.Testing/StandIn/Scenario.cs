using System.Globalization;
using System.Text;

namespace GpuScheduler.Testing.StandIn;

/// <summary>What the stand-in driver plays; the words are explained in nvml.c.</summary>
public sealed class Scenario
{
    /// <summary>PCI device and vendor of a GPU.</summary>
    public const uint GpuId = 0x233010de;
    /// <summary>PCI device and vendor of an NVSwitch.</summary>
    public const uint SwitchId = 0x22a310de;
    /// <summary>Bytes of a MiB.</summary>
    public const ulong MiB = 1UL << 20;

    private readonly StringBuilder _text = new("driver 550.54.15\n");

    /// <summary>Number of GPUs.</summary>
    public int Count { get; private init; }

    public static string Uuid(int gpu) => string.Create(CultureInfo.InvariantCulture, $"GPU-00000000-1111-2222-3333-{gpu:d12}");

    public static string Bus(int gpu) => string.Create(CultureInfo.InvariantCulture, $"00000000:{0x10 + gpu:X2}:00.0");

    /// <summary>GPUs without any link.</summary>
    public static Scenario Gpus(int count, string product = "NVIDIA H100 80GB HBM3", int memoryMiB = 81559)
    {
        var scenario = new Scenario { Count = count };
        for (var i = 0; i < count; i++)
        {
            scenario.Gpu(i, product, memoryMiB);
        }

        return scenario;
    }

    /// <summary>A machine of the table, with its links as the driver shows them: on NVSwitch machines every link ends at a switch.</summary>
    public static Scenario Machine(MachineFact machine, bool knowsEnds = true)
    {
        ArgumentNullException.ThrowIfNull(machine);
        var scenario = Gpus(machine.GpuCount, machine.GpuProducts.FirstOrDefault() ?? "NVIDIA GPU");
        var next = new int[machine.GpuCount];
        var switched = machine.IsSwitched;
        for (var a = 0; a < machine.GpuCount; a++)
        {
            if (machine.Numa?[a] is { } numa)
            {
                scenario.Add($"numa {a} {1UL << numa:x}");
            }

            if (machine.NvlinkGBpsPerLinkPerDirection is { } speed)
            {
                scenario.Add($"speed {a} {(int)(speed * 1000)}");
            }

            for (var b = 0; b < machine.GpuCount; b++)
            {
                if (a != b)
                {
                    scenario.Add($"level {a} {b} {(int)machine.PcieAsPrinted(a, b)}");
                }

                if (!switched && machine.IsLinked(a, b))
                {
                    for (var n = int.Parse(machine.Matrix[a][b].AsSpan(2), CultureInfo.InvariantCulture); n > 0; n--)
                    {
                        scenario.Link(a, next[a]++, knowsEnds ? 0 : 255, Bus(b), GpuId);
                    }
                }
            }

            if (switched)
            {
                var links = int.Parse(machine.Matrix[a].First(c => c.StartsWith("NV", StringComparison.Ordinal)).AsSpan(2), CultureInfo.InvariantCulture);
                for (var n = 0; n < links; n++)
                {
                    scenario.Link(a, n, knowsEnds ? 2 : 255, string.Create(CultureInfo.InvariantCulture, $"00000000:{0xa0 + (n % 6):X2}:00.0"), SwitchId);
                }
            }
        }

        return scenario;
    }

    public Scenario Gpu(int gpu, string product, int memoryMiB)
    {
        var total = (ulong)memoryMiB * MiB;
        Add($"device {gpu} {Bus(gpu)} {GpuId:x} {product}");
        Add($"uuid {gpu} {Uuid(gpu)}");
        Add($"memory {gpu} {total} {total / 10} {total - (total / 10) - MiB}");
        Add($"ecc {gpu} 1 0");
        return Add($"remap {gpu} 0 0");
    }

    public Scenario Link(int gpu, int link, int type, string bus, uint id) => Add($"link {gpu} {link} 1 {type} {bus} {id:x}");

    public Scenario Mig(int gpu, int slot, string profile, int start, int size, int instance, int slices, int memoryMiB) =>
        Add($"instance {gpu} {instance} 19 {start} {size}").Add($"migdevice {gpu} {slot} {instance} MIG-{gpu}-{instance} {slices} {slices} {memoryMiB} {profile}");

    public Scenario Add(FormattableString line)
    {
        ArgumentNullException.ThrowIfNull(line);
        _text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
        return this;
    }

    public Scenario Clone()
    {
        var clone = new Scenario { Count = Count };
        clone._text.Clear().Append(_text);
        return clone;
    }

    public override string ToString() => _text.ToString();
}
