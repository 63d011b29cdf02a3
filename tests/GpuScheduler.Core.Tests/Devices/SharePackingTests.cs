using GpuScheduler.Core.Devices;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class SharePackingTests
{
    [Fact]
    public void The_sliver_is_what_no_sum_of_usual_shares_uses_up()
    {
        for (var free = 0; free <= 1000; free++)
        {
            Assert.Equal(ShareOracle.Sliver(free), SharePacking.Sliver(free));
        }
    }

    [Theory]
    [InlineData(70, 70)]
    [InlineData(350, 0)]
    [InlineData(0, 0)]
    [InlineData(99, 99)]
    [InlineData(100, 0)]
    [InlineData(1000, 0)]
    [InlineData(-5, 0)]
    [InlineData(5000, 0)]
    public void Some_slivers_one_can_work_out_by_hand(int free, int sliver) => Assert.Equal(sliver, SharePacking.Sliver(free));

    [Theory]
    [InlineData(500, 4_000, 16_000, 250)]
    [InlineData(100, 16_000, 16_000, 100)]
    [InlineData(500, 0, 16_000, 0)]
    [InlineData(500, 15, 16_000, 0)]
    [InlineData(500, 0, 0, 500)]
    [InlineData(1000, int.MaxValue, int.MaxValue, 1000)]
    [InlineData(1000, int.MaxValue, 1, 1000)]
    [InlineData(1000, -int.MaxValue, 1, 0)]
    [InlineData(-500, 16_000, 16_000, 0)]
    public void The_scarcer_of_compute_and_memory_counts(int milli, int freeMiB, int memoryMiB, int free) =>
        Assert.Equal(free, SharePacking.Free(milli, freeMiB, memoryMiB));
}
