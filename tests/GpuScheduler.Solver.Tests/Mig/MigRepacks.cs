using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Mig;

namespace GpuScheduler.Solver.Tests.Mig;

/// <summary>GPUs of which parts are taken, and more requests than fit.</summary>
internal static class MigRepacks
{
    private static readonly MigGeometry s_geometry = GpuCatalogue.Find("NVIDIA-H100-80GB-HBM3")!.Mig!;

    public static (MigProblem Problem, byte[] Taken) Draw(Random random, int gpus)
    {
        var fleet = new MigFleet(s_geometry, new byte[gpus]);
        var plain = Enumerable.Range(0, s_geometry.Profiles.Length).Where(p => !s_geometry.Profiles[p].HasMediaExtensions).ToArray();
        var placed = new List<(int Gpu, int Profile, int Start)>();
        for (var i = 0; i < gpus * 4; i++)
        {
            var profile = plain[random.Next(plain.Length)];
            if (fleet.TryPlace(profile, MigChoice.FirstFit, out var gpu, out var start))
            {
                placed.Add((gpu, profile, start));
            }
        }

        foreach (var (gpu, profile, start) in placed.Where(_ => random.Next(2) == 0))
        {
            fleet.Free(gpu, profile, start);
        }

        byte[] taken = [.. Enumerable.Range(0, gpus).Select(fleet.TakenOn)];
        var counts = new int[s_geometry.Profiles.Length];
        for (var i = 0; i < gpus * 2; i++)
        {
            counts[plain[random.Next(plain.Length)]]++;
        }

        return (MigRepack.ProblemOf(s_geometry, taken, counts), taken);
    }

    public static MigPlan ByValueTable(MigProblem problem, byte[] taken) => MigRepack.ByValueTable(s_geometry, taken, problem);
}
