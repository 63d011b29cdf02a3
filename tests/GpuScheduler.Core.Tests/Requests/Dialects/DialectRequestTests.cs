using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Requests.Dialects;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Requests.Dialects;

public class DialectRequestTests
{
    /// <summary>What the pod says, and what its owner is told of it.</summary>
    public static TheoryData<string, string> Wrong => new()
    {
        { "nvidia.com/gpu=1 nvidia.com/gpumem-percentage=150", "resource nvidia.com/gpumem-percentage: \"150\" cannot be used: a whole number from 1 to 100 is allowed" },
        { "nvidia.com/gpu=1 nvidia.com/gpumem-percentage=0", "resource nvidia.com/gpumem-percentage: \"0\" cannot be used: a whole number from 1 to 100 is allowed" },
        { "nvidia.com/gpu=1 nvidia.com/gpumem=lots", "resource nvidia.com/gpumem: \"lots\" cannot be used: a whole number is allowed" },
        { "nvidia.com/gpu=1 nvidia.com/gpumem=1.5", "resource nvidia.com/gpumem: \"1.5\" cannot be used: a whole number is allowed" },
        { "nvidia.com/gpu=1 nvidia.com/gpucores=101", "resource nvidia.com/gpucores: \"101\" cannot be used: a whole number from 1 to 100 (percent of each GPU) is allowed" },
        { "nvidia.com/gpumem=1000", "resource nvidia.com/gpumem: \"1000\" cannot be used: it goes with nvidia.com/gpu, which says on how many GPUs" },
        { "nvidia.com/gpu=0 nvidia.com/gpucores=10", "resource nvidia.com/gpucores: \"10\" cannot be used: it goes with nvidia.com/gpu, which says on how many GPUs" },
        { "volcano.sh/vgpu-memory=1000", "resource volcano.sh/vgpu-memory: \"1000\" cannot be used: it goes with volcano.sh/vgpu-number, which says on how many GPUs" },
        { "aliyun.com/gpu-mem=4 aliyun.com/gpu-count=2", "resource aliyun.com/gpu-count: \"2\" cannot be used: gpushare's device plugin gives a pod one GPU; 1 is allowed" },
        { "aliyun.com/gpu-count=1", "resource aliyun.com/gpu-count: \"1\" cannot be used: it goes with aliyun.com/gpu-mem; whole GPUs are asked for with nvidia.com/gpu" },
        { "aliyun.com/gpu-mem=-4", "resource aliyun.com/gpu-mem: \"-4\" cannot be used: a whole number is allowed" },
        { "@gpu-fraction=half", "annotation gpu-fraction: \"half\" cannot be used: a number from 0.001 to 0.999 is allowed; whole GPUs are asked for with nvidia.com/gpu" },
        { "@gpu-fraction=1", "annotation gpu-fraction: \"1\" cannot be used: a number from 0.001 to 0.999 is allowed; whole GPUs are asked for with nvidia.com/gpu" },
        { "@gpu-fraction=-0.5", "annotation gpu-fraction: \"-0.5\" cannot be used: a number from 0.001 to 0.999 is allowed; whole GPUs are asked for with nvidia.com/gpu" },
        { "@gpu-fraction=0.0001", "annotation gpu-fraction: \"0.0001\" cannot be used: a number from 0.001 to 0.999 is allowed; whole GPUs are asked for with nvidia.com/gpu" },
        { "@gpu-fraction=NaN", "annotation gpu-fraction: \"NaN\" cannot be used: a number from 0.001 to 0.999 is allowed; whole GPUs are asked for with nvidia.com/gpu" },
        { "@gpu-memory=16Gi", "annotation gpu-memory: \"16Gi\" cannot be used: a whole number of MiB, at least 1, is allowed" },
        { "@gpu-memory=0", "annotation gpu-memory: \"0\" cannot be used: a whole number of MiB, at least 1, is allowed" },
        { "@gpu-memory=2000 @gpu-fraction=0.5", "annotation gpu-memory: \"2000\" cannot be used: gpu-fraction says it, too: remove one of them" },
        { "@gpu-fraction-num-devices=2", "annotation gpu-fraction-num-devices: \"2\" cannot be used: it goes with gpu-fraction or gpu-memory" },
        { "@gpu-fraction=0.5 @gpu-fraction-num-devices=65", "annotation gpu-fraction-num-devices: \"65\" cannot be used: a whole number from 1 to 64 is allowed" },
        { "nvidia.com/gpu=1 @nvidia.com/use-gputype=,", "annotation nvidia.com/use-gputype: \",\" cannot be used: one or more names separated by ',' are allowed" },
        { "nvidia.com/gpu=1 @nvidia.com/use-gputype=A100 @gpuscheduler.io/gpu-model=H100", "annotation nvidia.com/use-gputype: \"A100\" cannot be used: gpuscheduler.io/gpu-model says it, too: remove one of them" },
        { "nvidia.com/gpu=1 @nvidia.com/vgpu-mode=mig", "annotation nvidia.com/vgpu-mode: \"mig\" cannot be used: hami-core is allowed; MIG devices are asked for with nvidia.com/mig-<profile>" },
        { "nvidia.com/gpu=2 @nvidia.com/numa-bind=true", "annotation nvidia.com/numa-bind: \"true\" cannot be used: it is not supported for more than one GPU; gpuscheduler.io/nvlink: required keeps GPUs together by their links" },
        { "nvidia.com/mig-1g.5gb=1 @nvidia.com/use-gpuuuid=GPU-a", "annotation nvidia.com/use-gpuuuid: \"GPU-a\" cannot be used: MIG devices are not chosen by the UUID of their GPU: remove it" },

        // Two stacks at once.
        { "nvidia.com/gpu=1 nvidia.com/gpumem=1000 aliyun.com/gpu-mem=4", "resource aliyun.com/gpu-mem: \"4\" cannot be used: the container also asks in the words of hami (nvidia.com/gpumem): keep one" },
        { "aliyun.com/gpu-mem=4 @gpu-fraction=0.5", "a pod asks in the words of one stack: annotation gpu-fraction is of kai and resource aliyun.com/gpu-mem of gpushare; keep one" },
        { "aliyun.com/gpu-mem=4 @gpuscheduler.io/gpu-memory=4Gi", "resource aliyun.com/gpu-mem asks in the words of gpushare, and annotation gpuscheduler.io/gpu-memory in ours: keep one" },
        { "@gpu-fraction=0.5 @gpuscheduler.io/gpu-milli=500", "annotation gpu-fraction asks in the words of kai, and annotation gpuscheduler.io/gpu-milli in ours: keep one" },
        { "@gpu-fraction=0.5 nvidia.com/gpu=1", "annotation gpu-fraction asks for a share of GPUs, and the pod also asks for whole ones: give them a pod of their own" },
        { "aliyun.com/gpu-mem=4 nvidia.com/mig-1g.5gb=1", "resource aliyun.com/gpu-mem asks for a share of GPUs, and the pod also asks for MIG devices: give them a pod of their own" },
        { "volcano.sh/vgpu-number=1 nvidia.com/gpu=1", "resource volcano.sh/vgpu-number is of volcano, and the container also asks for nvidia.com/gpu: keep one" },
        { "volcano.sh/vgpu-number=1 / nvidia.com/gpu=1", "resource volcano.sh/vgpu-number is of volcano, and the pod also asks for nvidia.com/gpu: keep one" },
        { "aliyun.com/gpu-mem=4 / volcano.sh/vgpu-number=1", "a pod asks in the words of one stack: aliyun.com/gpu-mem is of gpushare and volcano.sh/vgpu-number of volcano; keep one" },

        // Containers that cannot go together.
        { "nvidia.com/gpu=1 nvidia.com/gpumem=1000 / nvidia.com/gpu=1", "resource nvidia.com/gpumem asks for a share of GPUs, and the pod also asks for whole ones: give them a pod of their own" },
        { "nvidia.com/gpu=1 nvidia.com/gpucores=60 / nvidia.com/gpu=1 nvidia.com/gpucores=50", "resource nvidia.com/gpucores: the containers of a pod use the same GPUs, and ask for 200 percent of them together: 100 is allowed" },
        { "aliyun.com/gpu-mem=2147483647 / aliyun.com/gpu-mem=1", "resource aliyun.com/gpu-mem: the containers of the pod ask for more than 2147483647 together" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_cannot_be_is_refused_with_what_to_change(string words, string told)
    {
        var pod = Read(words);
        Assert.Equal(told, pod.Invalid);
        Assert.Equal(GpuRequest.None, pod.Request);
    }

    [Fact]
    public void A_dialect_that_is_switched_off_says_nothing()
    {
        Assert.Equal(GpuRequest.None, Read("aliyun.com/gpu-mem=nonsense", DialectSet.None).Request);
        Assert.Null(Read("aliyun.com/gpu-mem=nonsense", DialectSet.None).Invalid);
        Assert.Equal(GpuRequest.None, Read("@gpu-fraction=half", DialectSet.None).Request);
        Assert.Equal(new GpuRequest { WholeGpus = 1 }, Read("nvidia.com/gpu=1 nvidia.com/gpumem=1000 @nvidia.com/use-gpuuuid=GPU-a", DialectSet.None).Request);
        Assert.Equal(1, Read("nvidia.com/gpu=1 nvidia.com/gpumem=1000", new DialectSet([ShareDialects.Hami], [])).Request.ShareCount);
    }

    [Fact]
    public void An_annotation_without_a_value_says_nothing() =>
        Assert.Equal(new GpuRequest { WholeGpus = 1 }, Read("nvidia.com/gpu=1 @gpu-fraction= @nvidia.com/use-gputype= @nvidia.com/use-gpuuuid=").Request);

    [Fact]
    public void Requests_are_equal_only_when_the_same_is_asked_for()
    {
        string[] words =
        [
            "nvidia.com/gpu=1", "nvidia.com/gpu=1 nvidia.com/gpumem=1000", "nvidia.com/gpu=1 nvidia.com/gpumem-percentage=10", "nvidia.com/gpu=1 nvidia.com/gpumem-percentage=20",
            "volcano.sh/vgpu-number=1 volcano.sh/vgpu-memory=1000", "aliyun.com/gpu-mem=1", "aliyun.com/gpu-mem=2", "@gpu-fraction=0.1", "@gpu-memory=1000", "volcano.sh/vgpu-number=1",
            "nvidia.com/gpu=1 @nvidia.com/use-gpuuuid=GPU-a", "nvidia.com/gpu=1 @nvidia.com/use-gpuuuid=GPU-b", "nvidia.com/gpu=1 @nvidia.com/nouse-gpuuuid=GPU-a", "nvidia.com/gpu=1 @nvidia.com/nouse-gputype=A100",
            "nvidia.com/gpu=1 @nvidia.com/use-gputype=A100",
        ];
        var requests = words.Select(w => Read(w).Request).ToArray();
        Assert.Equal(words.Length, requests.Distinct().Count());
        Assert.Equal(requests, words.Select(w => Read(w).Request));
        Assert.Equal(requests.Select(r => r.GetHashCode()), words.Select(w => Read(w).Request.GetHashCode()));
    }

    [Theory]
    [InlineData("28", "2", 1024, 14)]
    [InlineData("30218", "2", 1, 15109)]
    [InlineData("32320", "2", 1, 16160)]
    [InlineData("2304", "8", 1024, 288)]
    [InlineData("0", "2", 0, 0)]
    [InlineData("28", "0", 0, 0)]
    public void The_unit_of_gpushare_is_told_by_what_the_node_offers(string memory, string count, int unit, int perGpu)
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Allocatable("aliyun.com/gpu-mem", memory).Allocatable("aliyun.com/gpu-count", count).Build(), null);
        Assert.Equal((unit, perGpu), (facts.MemoryUnitMiB, facts.MemoryUnitsPerGpu));
        Assert.Equal(unit > 0, (facts.Plugins & DevicePlugins.Gpushare) != 0);
        Assert.Equal(unit > 0 ? int.Parse(count) : facts.Gpus.Length, facts.Gpus.Length);
        Assert.All(facts.Gpus, g => Assert.Equal(unit * perGpu, g.MemoryMiB));
    }

    [Fact]
    public void Virtual_GPUs_are_not_taken_for_GPUs()
    {
        GpuInfo[] gpus = [.. Enumerable.Range(0, 2).Select(i => new GpuInfo { Index = i, Uuid = $"GPU-{i}", MemoryMiB = 1000 })];
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Whole(20).Build(), new NodeReport([.. gpus], null, null));
        Assert.Equal(DevicePlugins.Hami, facts.Plugins);
        Assert.Equal((2, 2), (facts.Gpus.Length, facts.Empty.FreeGpus));

        Assert.Equal(DevicePlugins.None, NodeFactsBuilder.Build(new NodeBuilder("n").Whole(2).Build(), new NodeReport([.. gpus], null, null)).Plugins);
        Assert.Equal(DevicePlugins.None, NodeFactsBuilder.Build(new NodeBuilder("n").Product("NVIDIA-A100-SXM4-40GB-SHARED").Whole(20).Build(), new NodeReport([.. gpus], null, null)).Plugins);
    }

    [Fact]
    public void A_node_on_which_only_shares_are_handed_out_offers_no_whole_GPUs_and_the_reverse()
    {
        NodeInfo Of(NodeBuilder node, bool withUuids = false) => NodeFactsBuilder.Build(
            node.Product("Tesla-T4").Count(2).Build(), withUuids ? new NodeReport([.. Enumerable.Range(0, 2).Select(i => new GpuInfo { Index = i, Uuid = $"GPU-{i}", MemoryMiB = 15_109 })], null, null) : null).Empty;
        var gpushare = Of(new NodeBuilder("n").Allocatable("aliyun.com/gpu-mem", "28").Allocatable("aliyun.com/gpu-count", "2"));
        var volcano = Of(new NodeBuilder("n").Allocatable("volcano.sh/vgpu-number", "20"), withUuids: true);
        var nameless = Of(new NodeBuilder("n").Allocatable("volcano.sh/vgpu-number", "20"));
        var hami = Of(new NodeBuilder("n").Whole(20), withUuids: true);
        var plain = Of(new NodeBuilder("n").Whole(2));
        (string Words, NodeInfo[] On)[] expected =
        [
            ("nvidia.com/gpu=1", [hami, plain]),
            ("aliyun.com/gpu-mem=4", [gpushare]),
            ("nvidia.com/gpu=1 nvidia.com/gpumem=4000", [hami]),
            ("volcano.sh/vgpu-number=1 volcano.sh/vgpu-memory=4000", [volcano]),
            ("volcano.sh/vgpu-number=1", [volcano]),
            ("@gpu-fraction=0.5", [gpushare, volcano, nameless, hami, plain]),
            ("@gpuscheduler.io/gpu-memory=4Gi", [gpushare, volcano, nameless, hami, plain]),
        ];
        Assert.All(expected, e => Assert.Equal(e.On, new[] { gpushare, volcano, nameless, hami, plain }.Where(n => DeviceAllocator.Fits(Read(e.Words).Request, n, out _))));
        Assert.Contains(nameless.Facts.Warnings, w => w.Contains("the UUIDs of its GPUs are not known", StringComparison.Ordinal));
        Assert.Equal(Reasons.NoSharing, Refusal("aliyun.com/gpu-mem=4", plain));
        Assert.Equal(Reasons.NoWhole, Refusal("nvidia.com/gpu=1", gpushare));
        Assert.Equal(Reasons.Uuid, Refusal("nvidia.com/gpu=1 @nvidia.com/use-gpuuuid=GPU-7", hami));
        Assert.Equal(Reasons.Model, Refusal("nvidia.com/gpu=1 @nvidia.com/nouse-gputype=T4", hami));
        Assert.Equal(Reasons.NoShare, Refusal("nvidia.com/gpu=1 nvidia.com/gpumem=16000", hami));
    }

    private static Status Refusal(string words, NodeInfo node)
    {
        var state = new CycleState(Read(words));
        return Profile.DefaultFilters.Select(f => f.Filter(state, node)).First(s => !s.IsSuccess);
    }

    /// <summary>Resources and, with '@', annotations; containers are separated by '/'.</summary>
    internal static PodInfo Read(string words, DialectSet? dialects = null, string uid = "a")
    {
        var builder = new PodInfoBuilder(dialects) { Uid = uid, Name = uid };
        foreach (var container in words.Split(" / "))
        {
            var resources = new ContainerResources();
            foreach (var word in container.Split(' '))
            {
                var (name, value) = (word[..word.IndexOf('=')], word[(word.IndexOf('=') + 1)..]);
                if (name[0] == '@')
                {
                    builder.AddAnnotation(name[1..], value);
                }
                else
                {
                    resources.AddLimit(name, value);
                }
            }

            builder.AddContainer(resources);
        }

        return builder.Build();
    }
}
