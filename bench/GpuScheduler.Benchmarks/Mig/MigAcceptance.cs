using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Benchmarks.Mig;

/// <summary>
/// A stream of requests for MIG devices of H100 on 100 GPUs, without a queue: Poisson arrivals, exponential lives, and what finds no place
/// is lost. The load is the memory slices asked for at once over those that there are.
/// </summary>
internal static class MigAcceptance
{
    private const int Gpus = 100;
    private const int Arrivals = 12_000;

    private static readonly MigGeometry s_geometry = GpuCatalogue.Find("NVIDIA-H100-80GB-HBM3")!.Mig!;

    /// <summary>How often each profile is asked for, by index: 1g, 1g.me (never), 1g of double memory, 2g, 3g, 4g, 7g.</summary>
    private static readonly (string Name, double[] Mix)[] s_mixes =
    [
        ("uniform", [1, 0, 1, 1, 1, 1, 1]),
        ("small", [4, 0, 2, 2, 1, 1, 0.5]),
        ("big", [0.5, 0, 0.5, 1, 2, 2, 2]),
    ];

    public static IEnumerable<MigRow> Rows(int seeds, string only)
    {
        foreach (var (load, mix) in new[] { (0.85, 0), (1.0, 0), (1.0, 1), (1.0, 2), (1.2, 0), (1.2, 1) })
        {
            var (name, weights) = s_mixes[mix];
            var label = FormattableString.Invariant($"acceptance/{load:0.00}/{name}");
            if (!label.Contains(only, StringComparison.Ordinal))
            {
                continue;
            }

            var uniform = MigValueTable.For(s_geometry);
            var observed = MigValueTable.For(s_geometry, weights);
            double Mean(MigChoice choice, MigValueTable values) => Enumerable.Range(1, seeds).Average(seed => Run(choice, values, load, weights, seed));
            yield return new MigRow
            {
                Case = label,
                Gpus = Gpus,
                FirstFit = Mean(MigChoice.FirstFit, uniform),
                BestFit = Mean(MigChoice.BestFit, uniform),
                ValueTable = Mean(MigChoice.ValueTable, uniform),
                ValueTableObserved = Mean(MigChoice.ValueTable, observed),
            };
        }
    }

    /// <summary>Accepted memory slices in percent; the first tenth, in which the GPUs fill, does not count.</summary>
    private static double Run(MigChoice choice, MigValueTable values, double load, double[] mix, int seed)
    {
        var random = new Random(seed);
        var fleet = new MigFleet(s_geometry, new byte[Gpus], values);
        var ends = new PriorityQueue<(int Gpu, int Profile, int Start), double>();
        var slices = mix.Select((w, p) => w * s_geometry.Profiles[p].MemorySlices).Sum() / mix.Sum();
        var rate = load * Gpus * s_geometry.MemorySlices / slices; // a life lasts 1
        var now = 0.0;
        var (asked, accepted) = (0L, 0L);
        for (var i = 0; i < Arrivals; i++)
        {
            now += -Math.Log(1 - random.NextDouble()) / rate;
            var profile = Draw(random, mix);
            var life = -Math.Log(1 - random.NextDouble());
            while (ends.TryPeek(out var gone, out var at) && at <= now)
            {
                ends.Dequeue();
                fleet.Free(gone.Gpu, gone.Profile, gone.Start);
            }

            var counts = i >= Arrivals / 10;
            asked += counts ? s_geometry.Profiles[profile].MemorySlices : 0;
            if (fleet.TryPlace(profile, choice, out var gpu, out var start))
            {
                ends.Enqueue((gpu, profile, start), now + life);
                accepted += counts ? s_geometry.Profiles[profile].MemorySlices : 0;
            }
        }

        return 100.0 * accepted / asked;
    }

    private static int Draw(Random random, double[] mix)
    {
        var at = random.NextDouble() * mix.Sum();
        for (var p = 0; p < mix.Length; p++)
        {
            at -= mix[p];
            if (at < 0 && mix[p] > 0)
            {
                return p;
            }
        }

        return 0;
    }
}
