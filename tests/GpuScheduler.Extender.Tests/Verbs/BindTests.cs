using System.Net;
using System.Text.Json;
using GpuScheduler.Core.Devices;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>The whole way of a pod over HTTP, on the example cluster.</summary>
public sealed class BindTests(ExampleService example) : IClassFixture<ExampleService>
{
    private static readonly AuditedNode s_h100 = new()
    {
        Name = "h100-03",
        Product = "NVIDIA-H100-80GB-HBM3",
        Devices = [.. Enumerable.Range(0, 8).Select(_ => new AuditedDevice { MemoryMiB = 81_559, OffersWhole = true })],
        AllocatableGpus = 8,
        Linked = (_, _) => true,
    };

    private readonly RunningService _service = example.Service;

    [Fact]
    public async Task From_filter_over_prioritize_to_bind_a_pod_gets_its_devices_and_no_other_pod_gets_them()
    {
        const string Uid = "whole-way";
        var pod = Requests.Pod(Uid, new PodShape { Whole = 2, Models = ["A100"], Nvlink = "required" });
        var passed = AnswerShape.Filter((await _service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes))).Json);
        var best = Assert.Single(AnswerShape.Prioritize((await _service.PostAsync("prioritize", Requests.Args(pod, passed))).Json), s => s.Score == 10).Host;
        Assert.Equal("a100-pcie-01", best);
        var held = await AllocationAsync(best, Uid);
        Assert.Equal("tentative", held.GetProperty("state").GetString());
        Assert.True(held.TryGetProperty("expires", out _));

        var bound = await _service.PostAsync("bind", Requests.Binding(Uid, best));

        Assert.Equal((HttpStatusCode.OK, ""), (bound.Status, AnswerShape.Error(bound.Json)));
        var allocation = await AllocationAsync(best, Uid);
        Assert.Equal(("bound", "team/pod-whole-way"), (allocation.GetProperty("state").GetString(), allocation.GetProperty("pod").GetString()));
        var devices = Devices(allocation);
        Assert.Equal(held.GetProperty("devices").GetRawText(), allocation.GetProperty("devices").GetRawText());
        Assert.Equal(2, devices.Count);
        var node = (await _service.GetAsync("/v1/nodes/" + best)).Json;
        Assert.All(devices, d => Assert.Equal("whole", node.GetProperty("devices")[d.Gpu].GetProperty("use").GetString()));
        Assert.All(devices, a => Assert.All(devices.Where(b => b != a), b => Assert.True(node.GetProperty("nvlinkGBps")[a.Gpu][b.Gpu].GetDouble() > 0)));

        // Asked again it is the same, and whoever comes later gets what is left.
        Assert.Equal(bound.ToString(), (await _service.PostAsync("bind", Requests.Binding(Uid, best))).ToString());
        var all = new List<AssignedDevice>(devices);
        for (var i = 0; i < 6; i++)
        {
            await _service.PostAsync("filter", Requests.Args(Requests.Pod($"later-{i}", 1), best));
            if ((await _service.PostAsync("bind", Requests.Binding($"later-{i}", best))).Error == "")
            {
                all.AddRange(Devices(await AllocationAsync(best, $"later-{i}")));
            }
        }

        // Two of eight were taken before.
        Assert.Equal(6, all.Count);
        Assert.Distinct(all.Select(d => d.Gpu));
        Assert.Equal("not enough free GPUs", (await _service.PostAsync("bind", Requests.Binding("later-5", best))).Error);
    }

    [Fact]
    public async Task A_pod_of_which_nobody_has_heard_is_not_bound()
    {
        var answer = await _service.PostAsync("bind", Requests.Binding("unheard-of", "h100-03"));

        Assert.Equal((HttpStatusCode.OK, "pod team/pod-unheard-of with UID unheard-of is not known: it was deleted or created anew"), (answer.Status, answer.Error));
    }

    [Fact]
    public async Task A_pod_that_the_file_has_on_a_node_stays_there()
    {
        const string Llama = "30000000-0000-4000-8000-000000000001";

        Assert.Equal("", (await _service.PostAsync("bind", Requests.Binding(Llama, "h100-01"))).Error);
        Assert.Equal("pod is already bound to node h100-01", (await _service.PostAsync("bind", Requests.Binding(Llama, "h100-03"))).Error);
    }

    [Fact]
    public async Task MIG_devices_and_shares_are_bound_with_their_place_and_size()
    {
        foreach (var (uid, shape, node) in new[]
        {
            ("mig", new PodShape { Mig = new Dictionary<string, int> { ["3g.40gb"] = 1, ["1g.10gb"] = 2 } }, "a100-mig-01"),
            ("share", new PodShape { ShareCount = 1, ShareMemoryMiB = 3000, ShareMilli = 300 }, "t4-02"),
        })
        {
            await _service.PostAsync("filter", Requests.Args(Requests.Pod(uid, shape), node));
            Assert.Equal("", (await _service.PostAsync("bind", Requests.Binding(uid, node))).Error);

            var devices = new DeviceAssignment([.. Devices(await AllocationAsync(node, uid))]);
            var lone = new AuditedNode { Name = "elsewhere", Devices = [] };
            Assert.Empty(ClusterAuditor.Audit([lone], [shape.Hold(uid, node, devices)]));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_fifty_binds_at_once_exactly_as_many_succeed_as_the_node_has_GPUs_for(bool oneEach)
    {
        // The empty node of eight, all to themselves.
        await using var service = await RunningService.StartAsync();
        var random = new Random(3);
        var shapes = Enumerable.Range(0, 50).ToDictionary(i => $"racer-{i}", _ => new PodShape { Whole = oneEach ? 1 : random.Next(1, 5) });
        foreach (var (uid, shape) in shapes)
        {
            // Whoever comes late is let through, too: a tentative hold may be on the wrong node.
            Assert.Equal(["h100-03"], AnswerShape.Filter((await service.PostAsync("filter", Requests.Args(Requests.Pod(uid, shape), "h100-03"))).Json));
        }

        var answers = await Task.WhenAll(shapes.Keys.Select(async uid => (Uid: uid, Answer: await service.PostAsync("bind", Requests.Binding(uid, "h100-03")))));

        var allocations = (await service.GetAsync("/v1/nodes/h100-03")).Json.GetProperty("allocations").EnumerateArray().ToList();
        var holds = allocations.Select(a => shapes[a.GetProperty("uid").GetString()!].Hold(a.GetProperty("uid").GetString()!, "h100-03", new DeviceAssignment([.. Devices(a)]))).ToList();
        Assert.Empty(ClusterAuditor.Audit([s_h100], holds));
        Assert.All(allocations, a => Assert.Equal("bound", a.GetProperty("state").GetString()));
        var succeeded = answers.Where(a => a.Answer.Error == "").Select(a => a.Uid).ToHashSet();
        Assert.Equal(succeeded.Order(), holds.Select(h => h.Pod).Order());
        var free = 8 - holds.Sum(h => h.Parts.Count);
        if (oneEach)
        {
            Assert.Equal((8, 0), (succeeded.Count, free));
        }

        foreach (var (uid, answer) in answers.Where(a => a.Answer.Error != ""))
        {
            Assert.Equal("not enough free GPUs", answer.Error);
            Assert.True(shapes[uid].Whole > free, $"{uid} wants {shapes[uid].Whole} of {free} that are free, and was refused");
        }
    }

    private async Task<JsonElement> AllocationAsync(string node, string uid) =>
        Assert.Single((await _service.GetAsync("/v1/nodes/" + node)).Json.GetProperty("allocations").EnumerateArray(), a => a.GetProperty("uid").GetString() == uid);

    private static List<AssignedDevice> Devices(JsonElement allocation)
    {
        Assert.True(DeviceAssignment.TryParse(allocation.GetProperty("devices").GetRawText(), out var devices, out _));
        return [.. devices.Devices];
    }
}
