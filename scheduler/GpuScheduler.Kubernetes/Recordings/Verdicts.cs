using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>Answers as text: for people, with a digest of the whole answer at the end.</summary>
internal static class Verdicts
{
    private const int MostReasons = 4;

    public static string OfFilter(ReadOnlySpan<Status> statuses)
    {
        var all = new StringBuilder();
        var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var passed = 0;
        foreach (var status in statuses)
        {
            all.Append(CultureInfo.InvariantCulture, $"{status}\n");
            if (status.IsSuccess)
            {
                passed++;
            }
            else
            {
                counts[status.Reason] = counts.GetValueOrDefault(status.Reason) + 1;
            }
        }

        var reasons = string.Concat(counts.OrderByDescending(c => c.Value).Take(MostReasons).Select(c => string.Create(CultureInfo.InvariantCulture, $", {c.Key} ({c.Value})")));
        return string.Create(CultureInfo.InvariantCulture, $"{passed} of {statuses.Length} pass{reasons} #{Digest(all)}");
    }

    public static string OfScores(Snapshot snapshot, ReadOnlySpan<int> candidates, ReadOnlySpan<int> scores)
    {
        var all = new StringBuilder();
        var best = -1;
        for (var i = 0; i < scores.Length; i++)
        {
            all.Append(CultureInfo.InvariantCulture, $"{scores[i]},");
            best = best < 0 || scores[i] > scores[best] ? i : best;
        }

        var name = best < 0 || candidates[best] < 0 ? "none" : snapshot.Nodes[candidates[best]]?.Facts.Name;
        return $"best is {name} #{Digest(all)}";
    }

    public static string OfPreemption(IReadOnlyList<PreemptionCandidate> kept) =>
        kept.Count == 0 ? "nothing helps" : string.Join("; ", kept.Select(k => $"{k.Node}: {string.Join(", ", k.VictimUids)}"));

    public static string OfPromise(PromiseResult promise) => promise.IsGranted ? promise.Allocation.Devices.ToAnnotation() : promise.Refusal;

    public static string OfTurn(GangTurn turn) => string.Join("; ", new[]
    {
        string.Join(", ", turn.ToEvict.Select(e => $"evict {e.Pod} for {e.For}")),
        string.Join(", ", turn.ToRelease.Select(r => $"release {r.Pod} to {r.Node ?? "any node"}")),
        string.Join(", ", turn.ToWake.Select(p => $"wake {p}")),
    }.Where(t => t.Length > 0));

    private static string Digest(StringBuilder all) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all.ToString())).AsSpan(0, 6));
}
