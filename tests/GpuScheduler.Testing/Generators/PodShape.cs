using GpuScheduler.Core.Devices;

namespace GpuScheduler.Testing;

/// <summary>What a pod asks for, in the terms of both its owner and an auditor.</summary>
public sealed record PodShape
{
    /// <summary>Whole GPUs.</summary>
    public int Whole { get; init; }

    /// <summary>MIG devices by profile.</summary>
    public IReadOnlyDictionary<string, int> Mig { get; init; } = new Dictionary<string, int>();

    /// <summary>Cards to share.</summary>
    public int ShareCount { get; init; }

    /// <summary>Memory of each share.</summary>
    public int ShareMemoryMiB { get; init; }

    /// <summary>Compute of each share.</summary>
    public int ShareMilli { get; init; }

    /// <summary>Allowed models; empty for any.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Least memory of a device.</summary>
    public int MinMemoryMiB { get; init; }

    /// <summary>The NVLink annotation; null for none.</summary>
    public string? Nvlink { get; init; }

    /// <summary>Priority.</summary>
    public int Priority { get; init; }

    /// <summary>A request of any kind: whole 1/2/4/8, one or several MIG profiles, shares by memory, compute or both; with constraints.</summary>
    public static PodShape Random(Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        string[] profiles = ["1g.5gb", "1g.5gb", "2g.10gb", "3g.20gb", "1g.10gb", "4g.20gb", "1g.5gb.me", "7g.40gb"];
        var shape = random.Next(10) switch
        {
            < 4 => new PodShape { Whole = 1 << random.Next(4) },
            < 5 => new PodShape { Mig = new Dictionary<string, int> { [profiles[random.Next(profiles.Length)]] = 1 } },
            < 6 => new PodShape { Mig = profiles.Take(5).Distinct().Where(_ => random.Next(2) == 0).DefaultIfEmpty("1g.5gb").ToDictionary(p => p, _ => random.Next(1, 3)) },
            _ => Shares(random),
        };
        if (random.Next(5) == 0)
        {
            string[][] models = [["H100"], ["V100"], ["A100", "t4"], ["A10"], ["T4", "V100"]];
            shape = shape with { Models = models[random.Next(models.Length)] };
        }

        if (random.Next(6) == 0)
        {
            shape = shape with { MinMemoryMiB = random.Next(4_000, 50_000) };
        }

        if (random.Next(3) == 0)
        {
            string[] nvlink = ["required", "preferred", "none"];
            shape = shape with { Nvlink = nvlink[random.Next(shape.Mig.Count > 0 ? 1 : 0, 3)] };
        }

        return shape with { Priority = random.Next(4) };
    }

    /// <summary>The pod, so far without a node.</summary>
    public PodBuilder Builder(string uid)
    {
        var builder = new PodBuilder(uid).Priority(Priority).Request("cpu", "100m").Request("memory", "64Mi");
        if (Whole > 0)
        {
            builder.Gpus(Whole);
        }

        foreach (var (profile, count) in Mig)
        {
            builder.Mig(profile, count);
        }

        if (ShareCount > 0)
        {
            builder.Share(ShareMemoryMiB, ShareMilli, ShareCount);
        }

        if (Models.Count > 0)
        {
            builder.Model(string.Join('|', Models));
        }

        if (MinMemoryMiB > 0)
        {
            builder.MinMemoryMiB(MinMemoryMiB);
        }

        return Nvlink is null ? builder : builder.Nvlink(Nvlink);
    }

    /// <summary>What an auditor must know when the pod holds these devices.</summary>
    public AuditedHold Hold(string uid, string node, DeviceAssignment devices)
    {
        ArgumentNullException.ThrowIfNull(devices);
        return new AuditedHold
        {
            Pod = uid,
            Node = node,
            Parts = [.. devices.Devices.Select(d => new AuditedPart(d.Gpu, d.Mig?.Profile, d.Mig?.Start ?? 0, d.Mig?.Size ?? 0, d.MemoryMiB, d.Milli))],
            Whole = Whole,
            Mig = Mig,
            ShareCount = ShareCount,
            ShareMemoryMiB = ShareMemoryMiB,
            ShareMilli = ShareMilli,
            Models = Models,
            MinMemoryMiB = MinMemoryMiB,
            NvlinkRequired = Nvlink == "required",
        };
    }

    private static PodShape Shares(Random random)
    {
        int[] usual = [100, 125, 250, 300, 500, 750, 1000];
        var kind = random.Next(3);
        return new PodShape
        {
            ShareCount = random.Next(3) == 0 ? random.Next(1, 4) : 1,
            ShareMemoryMiB = kind == 0 ? 0 : random.Next(1, 20) * 1_000,
            ShareMilli = kind == 1 ? 0 : usual[random.Next(usual.Length)],
        };
    }
}
