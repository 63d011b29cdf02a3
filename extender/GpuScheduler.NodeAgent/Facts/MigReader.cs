using System.Globalization;
using System.Text.RegularExpressions;
using GpuScheduler.NodeAgent.Nvml;
using Wire = GpuScheduler.V1;

namespace GpuScheduler.NodeAgent.Facts;

/// <summary>
/// Reads the MIG devices of a GPU with their placements. Somebody may be cutting the GPU meanwhile: what vanishes under the hand is
/// read again, and left out when it does not settle.
/// </summary>
internal sealed partial class MigReader(INvml nvml)
{
    private const int Attempts = 3;
    private const int Slices = 8;
    private const int MostProfiles = 32;

    public IReadOnlyList<Wire.MigInstance> Read(Device device, Unknowns unknowns)
    {
        var instances = new List<Wire.MigInstance>();
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            instances.Clear();
            if (TryRead(device, instances, attempt == Attempts ? unknowns : new Unknowns()))
            {
                break;
            }
        }

        return WithoutOverlaps(device, instances, unknowns);
    }

    /// <summary>False when something was there and then was not.</summary>
    private bool TryRead(Device device, List<Wire.MigInstance> instances, Unknowns unknowns)
    {
        var code = nvml.MostMigDevices(device.Handle, out var most);
        if (code != NvmlReturn.Success)
        {
            return TryReadGpuInstances(device, instances, unknowns);
        }

        var settled = true;
        for (var i = 0; i < most; i++)
        {
            code = nvml.MigDevice(device.Handle, i, out var mig);
            if (code == NvmlReturn.FunctionNotFound)
            {
                return TryReadGpuInstances(device, instances, unknowns);
            }

            if (code is NvmlReturn.NotFound or NvmlReturn.InvalidArgument)
            {
                continue; // no device at this index, as when fewer than the most are made
            }

            if (code == NvmlReturn.Success)
            {
                code = ReadMigDevice(device, mig, out var instance, unknowns);
                if (code == NvmlReturn.Success && instance is not null)
                {
                    instances.Add(instance);
                }
            }

            if (code != NvmlReturn.Success)
            {
                settled = false;
                unknowns.Add("MIG devices", code, device.Index);
            }
        }

        return settled;
    }

    private NvmlReturn ReadMigDevice(Device device, nint mig, out Wire.MigInstance? instance, Unknowns unknowns)
    {
        instance = null;
        var code = nvml.GpuInstanceId(mig, out var id);
        if (code != NvmlReturn.Success)
        {
            return code;
        }

        code = nvml.GpuInstance(device.Handle, id, out var placed);
        if (code != NvmlReturn.Success)
        {
            return code;
        }

        _ = nvml.Uuid(mig, out var uuid);
        _ = nvml.Name(mig, out var name);
        var attributes = nvml.MigAttributes(mig, out var read) == NvmlReturn.Success ? read : (MigAttributes?)null;
        if (attributes is { } a && a.ComputeInstanceSlices < a.GpuInstanceSlices)
        {
            unknowns.Add("MIG devices", "a compute instance smaller than its GPU instance is not offered", device.Index);
            return NvmlReturn.Success;
        }

        var profile = ProfileOf(name)
            ?? ProfileById(device, placed.Profile)
            ?? (attributes is { } b ? ProfileName(device, b.GpuInstanceSlices, b.MemoryMiB, "") : null);
        if (profile is null)
        {
            unknowns.Add("MIG devices", $"the profile of GPU instance {id} is not known; it is not offered", device.Index);
            return NvmlReturn.Success;
        }

        instance = new Wire.MigInstance { Profile = profile, Start = placed.Start, Size = placed.Size, Uuid = uuid };
        return NvmlReturn.Success;
    }

    /// <summary>For drivers without handles of MIG devices: the GPU instances of every profile, whose UUIDs stay unknown.</summary>
    private bool TryReadGpuInstances(Device device, List<Wire.MigInstance> instances, Unknowns unknowns)
    {
        foreach (var (number, profile) in Profiles(device))
        {
            var code = nvml.GpuInstances(device.Handle, profile.Id, out var placed);
            if (code is not (NvmlReturn.Success or NvmlReturn.NotSupported or NvmlReturn.NotFound))
            {
                unknowns.Add("MIG devices", code, device.Index);
                return code is NvmlReturn.FunctionNotFound or NvmlReturn.NoPermission;
            }

            foreach (var instance in placed)
            {
                if (NameOf(device, number, profile) is { } name)
                {
                    instances.Add(new Wire.MigInstance { Profile = name, Start = instance.Start, Size = instance.Size });
                }
            }
        }

        return true;
    }

    private IEnumerable<(int Number, GpuInstanceProfile Profile)> Profiles(Device device)
    {
        for (var number = 0; number < MostProfiles; number++)
        {
            var code = nvml.GpuInstanceProfile(device.Handle, number, out var profile);
            if (code == NvmlReturn.Success)
            {
                yield return (number, profile);
            }
            else if (code == NvmlReturn.FunctionNotFound)
            {
                yield break;
            }
        }
    }

    private string? ProfileById(Device device, uint id)
    {
        foreach (var (number, profile) in Profiles(device))
        {
            if (profile.Id == id)
            {
                return NameOf(device, number, profile);
            }
        }

        return null;
    }

    /// <summary>By the driver's name, else from slices and memory, with what the number means (NVML_GPU_INSTANCE_PROFILE_...).</summary>
    private static string? NameOf(Device device, int number, GpuInstanceProfile profile) =>
        ProfileOf(profile.Name) ?? ProfileName(device, profile.Slices, profile.MemoryMiB, number switch
        {
            7 or 8 => ".me",
            10 or 11 or 12 => ".gfx",
            13 or 14 => "-me",
            15 or 16 => ".me.all",
            _ => "",
        });

    /// <summary>"NVIDIA A100-SXM4-40GB MIG 1g.5gb+me" is 1g.5gb.me as a resource. A part of a GPU instance (1c.2g.10gb) is none.</summary>
    private static string? ProfileOf(string? name) =>
        name is not null && ProfilePattern().Match(name) is { Success: true } match ? match.Groups[1].Value.Replace('+', '.') : null;

    /// <summary>
    /// The name that a profile has by its size: memory counts in eighths of the GPU's, which counts in whole GiB. So a 1g instance of
    /// 9,984 MiB, or of 11,008 with another driver, on a GPU of 81,559 MiB is 1g.10gb.
    /// </summary>
    private static string? ProfileName(Device device, uint slices, ulong memoryMiB, string suffix)
    {
        const double Eighths = 8;
        const ulong GiB = 1UL << 30;
        if (device.Memory is not { Total: > 0 } memory || slices is < 1 or > 7 || memoryMiB == 0)
        {
            return null;
        }

        var part = Math.Max(Math.Round(memoryMiB * 1024.0 * 1024.0 / memory.Total * Eighths), 1) / Eighths;
        var gigabytes = (int)Math.Round(part * ((memory.Total + GiB - 1) / GiB));
        return string.Create(CultureInfo.InvariantCulture, $"{slices}g.{Math.Max(gigabytes, 1)}gb{suffix}");
    }

    /// <summary>Two that overlap cannot both exist: they were read at different moments.</summary>
    private static List<Wire.MigInstance> WithoutOverlaps(Device device, List<Wire.MigInstance> instances, Unknowns unknowns)
    {
        var taken = 0;
        var kept = new List<Wire.MigInstance>();
        foreach (var instance in instances.OrderBy(i => i.Start))
        {
            if (instance.Size is < 1 or > Slices || instance.Start > Slices - instance.Size)
            {
                unknowns.Add("MIG devices", $"a placement outside of the {Slices} memory slices is not offered", device.Index);
                continue;
            }

            var mask = ((1 << (int)instance.Size) - 1) << (int)instance.Start;
            if ((taken & mask) != 0)
            {
                unknowns.Add("MIG devices", "one that overlaps another is not offered", device.Index);
                continue;
            }

            taken |= mask;
            kept.Add(instance);
        }

        return kept;
    }

    [GeneratedRegex(@"(?:^|\s)([1-7]g\.[1-9][0-9]*gb(?:[+-][a-z0-9.]+)?)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex ProfilePattern();
}
