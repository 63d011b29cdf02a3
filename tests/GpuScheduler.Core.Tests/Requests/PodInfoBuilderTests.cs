using System.Globalization;
using CsCheck;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Requests;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Requests;

public class PodInfoBuilderTests
{
    [Fact]
    public void A_pod_without_GPU_words_asks_for_none()
    {
        var pod = new PodBuilder("a").Request("cpu", "2").Request("memory", "1Gi").Request("nvidia.com/gpu", "0").Build();
        Assert.False(pod.Request.WantsGpu);
        Assert.Equal(GpuRequest.None, pod.Request);
        Assert.Null(pod.Invalid);
        Assert.Equal((2000, 1L << 30), (pod.CpuMilli, pod.MemoryBytes));
    }

    [Fact]
    public void Whole_GPUs_and_their_constraints_are_read()
    {
        var request = new PodBuilder("a").Gpus(4).Model("A100 | H100").MinMemoryMiB(40_000).Nvlink("required").Build().Request;
        Assert.Equal(4, request.WholeGpus);
        Assert.Equal(["A100", "H100"], request.Models);
        Assert.Equal(40_000, request.MinGpuMemoryMiB);
        Assert.Equal(NvlinkRequirement.Required, request.Nvlink);
        Assert.Equal(4, request.DeviceCount);
    }

    [Fact]
    public void MIG_profiles_are_read_and_ordered_by_name()
    {
        var request = new PodBuilder("a").Mig("3g.20gb").Mig("1g.5gb.me").Mig("1g.5gb", 2).Build().Request;
        Assert.Equal([new MigRequest("1g.5gb", 2), new MigRequest("1g.5gb.me", 1), new MigRequest("3g.20gb", 1)], request.Mig);
        Assert.Equal(4, request.DeviceCount);
    }

    [Theory]
    [InlineData("16Gi", null, null, 16384, 0, 1)]
    [InlineData(null, "250", null, 0, 250, 1)]
    [InlineData("4096Mi", "500", "2", 4096, 500, 2)]
    [InlineData("17G", null, "64", 16213, 0, 64)]
    [InlineData("1Mi", null, null, 1, 0, 1)]
    [InlineData("1.5Mi", null, null, 2, 0, 1)]
    [InlineData("1e9", null, null, 954, 0, 1)]
    [InlineData(null, "1", null, 0, 1, 1)]
    [InlineData(null, "1000", null, 0, 1000, 1)]
    public void Shares_are_read(string? memory, string? milli, string? count, int expectedMiB, int expectedMilli, int expectedCount)
    {
        var pod = WithAnnotations((GpuAnnotations.GpuMemory, memory), (GpuAnnotations.GpuMilli, milli), (GpuAnnotations.GpuCount, count)).Build();
        Assert.Null(pod.Invalid);
        Assert.Equal((expectedMiB, expectedMilli, expectedCount), (pod.Request.ShareMemoryMiB, pod.Request.ShareMilli, pod.Request.ShareCount));
    }

    [Theory]
    [InlineData(GpuAnnotations.GpuMemory, "lots", "16Gi")]
    [InlineData(GpuAnnotations.GpuMemory, "", "16Gi")]
    [InlineData(GpuAnnotations.GpuMemory, "16GiB", "16Gi")]
    [InlineData(GpuAnnotations.GpuMemory, "16384", "was 16384Mi meant")]
    [InlineData(GpuAnnotations.GpuMemory, "0", "at least 1Mi")]
    [InlineData(GpuAnnotations.GpuMemory, "-4Gi", "at least 1Mi")]
    [InlineData(GpuAnnotations.GpuMemory, "500m", "at least 1Mi")]
    [InlineData(GpuAnnotations.GpuMemory, "9000Pi", "at most 2147483647Mi")]
    [InlineData(GpuAnnotations.MinGpuMemory, "80GB", "16Gi")]
    [InlineData(GpuAnnotations.MinGpuMemory, "80", "was 80Mi meant")]
    [InlineData(GpuAnnotations.GpuMilli, "0", "from 1 to 1000")]
    [InlineData(GpuAnnotations.GpuMilli, "1001", "from 1 to 1000")]
    [InlineData(GpuAnnotations.GpuMilli, "0.5", "from 1 to 1000")]
    [InlineData(GpuAnnotations.GpuMilli, "-5", "from 1 to 1000")]
    [InlineData(GpuAnnotations.GpuMilli, " 5", "from 1 to 1000")]
    [InlineData(GpuAnnotations.GpuMilli, "99999999999999999999", "from 1 to 1000")]
    [InlineData(GpuAnnotations.GpuCount, "0", "from 1 to 64")]
    [InlineData(GpuAnnotations.GpuCount, "65", "from 1 to 64")]
    [InlineData(GpuAnnotations.GpuCount, "two", "from 1 to 64")]
    [InlineData(GpuAnnotations.GpuModel, "", "separated by '|'")]
    [InlineData(GpuAnnotations.GpuModel, "|", "separated by '|'")]
    [InlineData(GpuAnnotations.GpuModel, "A100|", "separated by '|'")]
    [InlineData(GpuAnnotations.GpuModel, "A100||H100", "separated by '|'")]
    [InlineData(GpuAnnotations.Nvlink, "yes", "required, preferred or none")]
    [InlineData(GpuAnnotations.Nvlink, "Required", "required, preferred or none")]
    [InlineData(GpuAnnotations.Nvlink, "", "required, preferred or none")]
    public void A_bad_annotation_is_named_with_its_value_and_what_is_allowed(string annotation, string value, string allowed)
    {
        var pod = new PodBuilder("a").Gpus(1).Annotate(annotation, value).Build();
        Assert.NotNull(pod.Invalid);
        Assert.Contains(annotation, pod.Invalid, StringComparison.Ordinal);
        Assert.Contains($"\"{value}\"", pod.Invalid, StringComparison.Ordinal);
        Assert.Contains(allowed, pod.Invalid, StringComparison.Ordinal);
        Assert.Equal(GpuRequest.None, pod.Request);
    }

    [Fact]
    public void A_pod_that_shares_and_asks_for_whole_GPUs_is_refused_with_the_way_out()
    {
        var invalid = new PodBuilder("a").Gpus(1).Share(memoryMiB: 1024).Build().Invalid;
        Assert.Contains(GpuAnnotations.GpuMemory, invalid, StringComparison.Ordinal);
        Assert.Contains(GpuAnnotations.GpuResource, invalid, StringComparison.Ordinal);
        Assert.Contains("not both", invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pod_that_shares_and_asks_for_MIG_devices_is_refused()
    {
        var invalid = new PodBuilder("a").Mig("1g.5gb").Share(milli: 500).Build().Invalid;
        Assert.Contains(GpuAnnotations.GpuMilli, invalid, StringComparison.Ordinal);
        Assert.Contains("MIG", invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void A_count_without_a_share_is_refused()
    {
        var invalid = new PodBuilder("a").Gpus(1).Annotate(GpuAnnotations.GpuCount, "2").Build().Invalid;
        Assert.Contains(GpuAnnotations.GpuCount, invalid, StringComparison.Ordinal);
        Assert.Contains(GpuAnnotations.GpuMemory, invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void MIG_devices_cannot_be_required_to_have_NVLink()
    {
        Assert.Contains(GpuAnnotations.Nvlink, new PodBuilder("a").Mig("1g.5gb", 2).Nvlink("required").Build().Invalid, StringComparison.Ordinal);
        Assert.Null(new PodBuilder("a").Mig("1g.5gb", 2).Nvlink("preferred").Build().Invalid);
    }

    [Theory]
    [InlineData("cpu", "much")]
    [InlineData("memory", "-1Gi")]
    [InlineData("nvidia.com/gpu", "1.5")]
    [InlineData("nvidia.com/gpu", "99999999999")]
    [InlineData("nvidia.com/mig-1g.5gb", "-1")]
    public void A_bad_quantity_is_named_with_its_resource(string resource, string quantity)
    {
        var pod = new PodBuilder("a").Request(resource, quantity).Build();
        Assert.Contains(resource, pod.Invalid, StringComparison.Ordinal);
        Assert.Contains($"\"{quantity}\"", pod.Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_overhead_is_as_bad_as_a_bad_request()
    {
        var builder = new PodInfoBuilder { Uid = "a" };
        var overhead = new ContainerResources();
        overhead.AddRequest("cpu", "much");
        builder.AddOverhead(overhead);
        Assert.Contains("much", builder.Build().Invalid, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_value_is_cut_in_the_message()
    {
        var pod = new PodBuilder("a").Gpus(1).Annotate(GpuAnnotations.GpuMilli, new string('9', 5000)).Build();
        Assert.InRange(pod.Invalid!.Length, 1, 300);
    }

    [Fact]
    public void Annotations_of_others_and_of_later_versions_are_passed_over()
    {
        var pod = new PodBuilder("a").Gpus(1).Annotate("nvidia.com/gpu-milli", "x").Annotate(GpuAnnotations.Prefix + "later", "x").Build();
        Assert.Null(pod.Invalid);
        Assert.Equal(1, pod.Request.WholeGpus);
    }

    [Fact]
    public void Absurd_counts_stay_absurd()
    {
        var builder = new PodInfoBuilder { Uid = "a" };
        for (var i = 0; i < 3; i++)
        {
            var container = new ContainerResources();
            container.AddRequest("nvidia.com/gpu", "2147483647");
            container.AddRequest("nvidia.com/mig-1g.5gb", "2147483647");
            container.AddRequest("cpu", "8Ei");
            container.AddRequest("memory", "8Ei");
            builder.AddContainer(container);
        }

        var pod = builder.Build();
        Assert.Equal(int.MaxValue, pod.Request.WholeGpus);
        Assert.Equal([new MigRequest("1g.5gb", int.MaxValue)], pod.Request.Mig);
        Assert.Equal((long.MaxValue, long.MaxValue), (pod.CpuMilli, pod.MemoryBytes));
        Assert.Equal(int.MaxValue, pod.Request.DeviceCount);
    }

    [Fact]
    public void A_limit_stands_in_for_an_absent_request_only()
    {
        var container = new ContainerResources();
        container.AddLimit("nvidia.com/gpu", "2");
        container.AddLimit("cpu", "4");
        container.AddRequest("cpu", "1");
        container.AddLimit("memory", "2Gi");
        var builder = new PodInfoBuilder { Uid = "a" };
        builder.AddContainer(container);
        var pod = builder.Build();
        Assert.Equal((2, 1000L, 2L << 30), (pod.Request.WholeGpus, pod.CpuMilli, pod.MemoryBytes));
    }

    [Fact]
    public void What_a_pod_needs_is_what_runs_at_once_at_most()
    {
        var container = Gen.Select(Gen.Enum<ContainerKind>(), Gen.Int[0, 4], Gen.Int[0, 4], Gen.Int[0, 4], (kind, gpus, mig, cpu) => (kind, gpus, mig, cpu));
        Gen.Select(container.Array[0, 7], Gen.Int[0, 3]).Sample((containers, overhead) =>
        {
            var builder = new PodInfoBuilder { Uid = "a" };
            foreach (var (kind, gpus, mig, cpu) in containers)
            {
                var resources = new ContainerResources();
                resources.AddRequest("nvidia.com/gpu", gpus.ToString(CultureInfo.InvariantCulture));
                resources.AddRequest("nvidia.com/mig-1g.5gb", mig.ToString(CultureInfo.InvariantCulture));
                resources.AddRequest("cpu", cpu.ToString(CultureInfo.InvariantCulture));
                resources.AddRequest("memory", $"{cpu}Ki");
                if (kind == ContainerKind.App)
                {
                    builder.AddContainer(resources);
                }
                else
                {
                    builder.AddInitContainer(resources, kind == ContainerKind.Sidecar);
                }
            }

            var extra = new ContainerResources();
            extra.AddRequest("cpu", overhead.ToString(CultureInfo.InvariantCulture));
            extra.AddRequest("memory", $"{overhead}Ki");
            builder.AddOverhead(extra);
            var pod = builder.Build();
            long Needed(Func<(ContainerKind Kind, int Gpus, int Mig, int Cpu), int> amount) =>
                PodResourceOracle.Needed(containers.Select(c => new ContainerAmount(c.kind, amount(c))));
            Assert.Equal(Needed(c => c.Gpus), pod.Request.WholeGpus);
            Assert.Equal(Needed(c => c.Mig), pod.Request.Mig.Sum(m => m.Count));
            Assert.Equal((Needed(c => c.Cpu) + overhead) * 1000, pod.CpuMilli);
            Assert.Equal((Needed(c => c.Cpu) + overhead) * 1024, pod.MemoryBytes);
        });
    }

    [Fact]
    public void The_rest_of_the_pod_is_taken_over()
    {
        var pod = new PodBuilder("u").Gpus(1).Priority(7).NeverPreempts().On("n", new DeviceAssignment([new AssignedDevice(3)])).Build();
        Assert.Equal(("u", "default", "pod-u", 7, true, "n"), (pod.Uid, pod.Namespace, pod.Name, pod.Priority, pod.NeverPreempts, pod.NodeName));
        Assert.Equal([new AssignedDevice(3)], pod.Assignment!.Devices);
        Assert.False(pod.IsTerminal);
        Assert.True(new PodBuilder("u").Phase("Succeeded").Build().IsTerminal);
        Assert.True(new PodBuilder("u").Phase("Failed").Build().IsTerminal);
        Assert.Null(new PodInfoBuilder { Uid = "u", NodeName = "" }.Build().NodeName);
    }

    [Fact]
    public void A_pod_whose_assignment_cannot_be_read_says_so_and_keeps_its_request()
    {
        var pod = new PodBuilder("u").Gpus(1).On("n").Annotate(GpuAnnotations.AssignedDevices, "GPU-1").Build();
        Assert.Null(pod.Assignment);
        Assert.Null(pod.Invalid);
        Assert.Equal(1, pod.Request.WholeGpus);
        Assert.Contains(GpuAnnotations.AssignedDevices, pod.AssignmentError, StringComparison.Ordinal);
        Assert.Contains("\"GPU-1\"", pod.AssignmentError, StringComparison.Ordinal);
    }

    [Fact]
    public void No_annotation_makes_it_throw()
    {
        string[] names =
        [
            GpuAnnotations.GpuMemory, GpuAnnotations.GpuMilli, GpuAnnotations.GpuCount, GpuAnnotations.GpuModel,
            GpuAnnotations.MinGpuMemory, GpuAnnotations.Nvlink, GpuAnnotations.AssignedDevices,
        ];
        Gen.Select(Gen.Int[0, names.Length - 1].Select(i => names[i]), Gen.String).Array[0, 6].Sample(annotations =>
        {
            var builder = new PodBuilder("a").Gpus(1);
            foreach (var (name, value) in annotations)
            {
                builder.Annotate(name, value);
            }

            var pod = builder.Build();
            Assert.True(pod.Invalid is null == pod.Request.WantsGpu);
        });
    }

    private static PodBuilder WithAnnotations(params (string Name, string? Value)[] annotations)
    {
        var builder = new PodBuilder("a");
        foreach (var (name, value) in annotations)
        {
            if (value is not null)
            {
                builder.Annotate(name, value);
            }
        }

        return builder;
    }
}
