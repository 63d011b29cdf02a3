using GpuScheduler.Core.Requests;
using Xunit;

namespace GpuScheduler.Core.Tests.Requests;

public class GpuModelMatchTests
{
    [Theory]
    [InlineData("A100", "NVIDIA-A100-SXM4-80GB", true)]
    [InlineData("A10", "NVIDIA-A100-SXM4-80GB", false)]
    [InlineData("A10", "NVIDIA-A10", true)]
    [InlineData("A10", "NVIDIA-A10G", false)]
    [InlineData("100", "NVIDIA-A100-SXM4-80GB", false)]
    [InlineData("a100", "NVIDIA-A100-SXM4-80GB", true)]
    [InlineData("nvidia-a100-sxm4-80gb", "NVIDIA-A100-SXM4-80GB", true)]
    [InlineData("A100-SXM4", "NVIDIA-A100-SXM4-80GB", true)]
    [InlineData("A100 SXM4 80GB", "NVIDIA-A100-SXM4-80GB", true)]
    [InlineData("A100-80GB", "NVIDIA-A100-SXM4-80GB", false)]
    [InlineData("80GB", "NVIDIA-A100-SXM4-80GB", true)]
    [InlineData("V100", "Tesla-V100-SXM2-16GB", true)]
    [InlineData("H100", "NVIDIA-GH200-480GB", false)]
    [InlineData("B200", "NVIDIA-GB200", false)]
    [InlineData("L40", "NVIDIA-L40S", false)]
    [InlineData("T4", "Tesla-T4-SHARED", true)]
    [InlineData("SHARED", "Tesla-T4-SHARED", true)]
    [InlineData("1g.5gb", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", true)]
    [InlineData("A100", "", false)]
    [InlineData("NVIDIA-A100-SXM4-80GB-AND-MORE", "NVIDIA-A100-SXM4-80GB", false)]
    public void A_model_matches_whole_words_of_the_product(string model, string product, bool matches) =>
        Assert.Equal(matches, GpuModelMatch.Matches([model], product));

    [Fact]
    public void One_of_several_alternatives_is_enough()
    {
        Assert.True(GpuModelMatch.Matches(["H100", "A100"], "NVIDIA-A100-SXM4-80GB"));
        Assert.False(GpuModelMatch.Matches(["H100", "A10"], "NVIDIA-A100-SXM4-80GB"));
        Assert.False(GpuModelMatch.Matches([], "NVIDIA-A100-SXM4-80GB"));
    }
}
