using CsCheck;
using GpuScheduler.Core.Requests.Dialects;
using Xunit;

namespace GpuScheduler.Core.Tests.Requests.Dialects;

public class VgpuTextTests
{
    private static readonly Gen<VgpuDevice> s_device =
        from uuid in Gen.String[Gen.Char["abcdef0123456789-"], 1, 40]
        from memory in Gen.Int[0, int.MaxValue]
        from cores in Gen.Int[0, 100]
        select new VgpuDevice(uuid, memory, cores);

    [Fact]
    public void What_is_written_is_read_back() =>
        Gen.Select(s_device.List[0, 4].Array[1, 5], Gen.Bool).Sample((containers, endsContainers) =>
        {
            var text = VgpuText.Write(containers, endsContainers);
            Assert.True(VgpuText.TryRead(text, out var devices));
            Assert.Equal(containers.SelectMany(c => c), devices);

            // Container by container, in the plugins' own way: HAMi's text has an end behind each, Volcano's a mark between them.
            var parts = (endsContainers ? text[..^1] : text).Split(';');
            Assert.Equal(containers.Select(c => c.Count), parts.Select(p => p.Split(':').Count(d => d.Contains(','))));
        });

    [Theory]
    [InlineData("GPU-a,NVIDIA,3000")]
    [InlineData("GPU-a,NVIDIA,lots,50:")]
    [InlineData("GPU-a,NVIDIA,3000,-1:")]
    [InlineData("GPU-a,NVIDIA,99999999999,1:")]
    [InlineData("GPU-a")]
    public void What_is_not_of_this_form_is_not_read(string text) => Assert.False(VgpuText.TryRead(text, out _));

    [Fact]
    public void Whatever_the_text_reading_it_does_no_harm() =>
        Gen.String[Gen.Char["GPU-a,:;019[]"], 0, 60].Sample(text =>
        {
            if (VgpuText.TryRead(text, out var devices))
            {
                Assert.All(devices, d => Assert.True(d.Uuid.Length > 0 && d.MemoryMiB >= 0 && d.Cores >= 0));
            }
        });
}
