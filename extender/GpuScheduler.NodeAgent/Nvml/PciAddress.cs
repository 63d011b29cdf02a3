using System.Globalization;

namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>Where a device is on PCI. NVML itself writes domains with four digits or with eight, so that texts cannot be compared.</summary>
internal readonly record struct PciAddress(uint Domain, uint Bus, uint Device, uint Function = 0)
{
    /// <summary>As NVML writes it: 00000000:07:00.0.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Domain:x8}:{Bus:x2}:{Device:x2}.{Function:x}").ToUpperInvariant();

    /// <summary>As sysfs names it: 0000:07:00.0.</summary>
    public string ToSysfsName() => string.Create(CultureInfo.InvariantCulture, $"{Domain:x4}:{Bus:x2}:{Device:x2}.{Function:x}");

    public static bool TryParse(ReadOnlySpan<char> text, out PciAddress address)
    {
        address = default;
        Span<Range> parts = stackalloc Range[4];
        if (text.Split(parts, ':') != 3)
        {
            return false;
        }

        var last = text[parts[2]];
        var dot = last.IndexOf('.');
        var function = 0u;
        if (!Hex(text[parts[0]], out var domain) || !Hex(text[parts[1]], out var bus) || !Hex(dot < 0 ? last : last[..dot], out var device)
            || (dot >= 0 && !Hex(last[(dot + 1)..], out function)))
        {
            return false;
        }

        address = new PciAddress(domain, bus, device, function);
        return true;
    }

    private static bool Hex(ReadOnlySpan<char> text, out uint value) =>
        uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
