using GpuScheduler.Core.Devices;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class SharePackingTests
{
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
