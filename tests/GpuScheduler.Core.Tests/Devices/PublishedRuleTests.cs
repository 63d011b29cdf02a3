using System.Numerics;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

/// <summary>
/// Picks against the rule by which NVIDIA's device plugin prefers GPUs (NVIDIA/go-gpuallocator, gpuallocator/besteffort_policy.go, written anew
/// from its description): a pair scores 100 for each NVLink and 10 to 60 for its closeness by PCIe; of all partitions of the free GPUs
/// into sets of the wanted size the one with the largest sum counts, and its best set is taken.
/// </summary>
public class PublishedRuleTests
{
    public static TheoryData<string> Machines() => [.. Fixtures.Machines.Select(m => m.Id)];

    [Theory]
    [MemberData(nameof(Machines))]
    public void By_the_device_plugins_own_score_the_pick_is_never_below_what_it_prefers(string machine)
    {
        var links = Fixtures.Machine(machine).Links();
        var table = DeviceSetTable.For(links);
        var better = 0;
        foreach (var free in Masks(links.GpuCount))
        {
            for (var size = 1; size <= BitOperations.PopCount(free); size++)
            {
                Assert.True(table.TryPick(free, size, NvlinkRequirement.Preferred, out var pick));
                var theirs = links.GpuCount <= 8 ? Preferred(links, free, size) : BestAlone(links, free, size);
                var ours = Score(links, pick.Mask);
                Assert.True(ours >= theirs, $"of {free:x} {size} GPUs: {ours} is below {theirs}");
                better += ours > theirs ? 1 : 0;
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"better in {better} cases");
    }

    private static IEnumerable<ulong> Masks(int gpus)
    {
        var random = new Random(gpus);
        return gpus <= 8 ? Enumerable.Range(0, 1 << gpus).Select(m => (ulong)m) : Enumerable.Range(0, 12).Select(_ => (ulong)random.Next(1 << gpus)).Append((1UL << gpus) - 1);
    }

    private static int Score(InterconnectMatrix links, ulong set)
    {
        var score = 0;
        for (var a = 0; a < links.GpuCount; a++)
        {
            for (var b = a + 1; b < links.GpuCount; b++)
            {
                if ((set >> a & 1) == 1 && (set >> b & 1) == 1)
                {
                    score += (100 * (int)Math.Round(links.NvlinkMBps(a, b) / (double)InterconnectMatrix.UsualNvlinkMBps)) + 60 - (int)links.Pcie(a, b);
                }
            }
        }

        return score;
    }

    /// <summary>The score of the best set in the best partition; one set of fewer may be left over.</summary>
    private static int Preferred(InterconnectMatrix links, ulong free, int size)
    {
        var best = (Sum: -1, Set: -1);
        var spare = BitOperations.PopCount(free) % size;
        Divide(free, 0, 0, spare > 0);
        return best.Set;

        void Divide(ulong left, int sum, int largest, bool maySpare)
        {
            if (left == 0)
            {
                best = sum > best.Sum ? (sum, largest) : best;
                return;
            }

            var first = left & (ulong)-(long)left;
            foreach (var others in Subsets(left & ~first, size - 1))
            {
                var score = Score(links, first | others);
                Divide(left & ~(first | others), sum + score, Math.Max(largest, score), maySpare);
            }

            foreach (var others in maySpare ? Subsets(left & ~first, spare - 1) : [])
            {
                Divide(left & ~(first | others), sum + Score(links, first | others), largest, false);
            }
        }
    }

    /// <summary>No set of this size scores more: what is preferred cannot either.</summary>
    private static int BestAlone(InterconnectMatrix links, ulong free, int size) => Subsets(free, size).Max(set => Score(links, set));

    private static IEnumerable<ulong> Subsets(ulong of, int size)
    {
        if (size == 0)
        {
            yield return 0;
            yield break;
        }

        for (var left = of; BitOperations.PopCount(left) >= size;)
        {
            var first = left & (ulong)-(long)left;
            left &= ~first;
            foreach (var others in Subsets(left, size - 1))
            {
                yield return first | others;
            }
        }
    }
}
