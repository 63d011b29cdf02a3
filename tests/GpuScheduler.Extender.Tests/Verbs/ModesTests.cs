using System.Net;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

public sealed class ModesTests(ExampleService example) : IClassFixture<ExampleService>
{
    [Fact]
    public async Task Exactly_one_node_has_the_full_score()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var pod = Requests.Pod($"one-ten-{seed}", PodShape.Random(new Random(seed)));
            var passed = AnswerShape.Filter((await example.Service.PostAsync("filter", Requests.Args(pod, Repository.ExampleNodes))).Json);

            // As kube-scheduler asks: for what filter let pass.
            var scores = AnswerShape.Prioritize((await example.Service.PostAsync("prioritize", Requests.Args(pod, passed))).Json);

            Assert.Equal(passed, scores.Select(s => s.Host));
            Assert.Equal(passed.Count > 0 ? 1 : 0, scores.Count(s => s.Score == 10));
        }
    }

    [Fact]
    public async Task Asked_twice_filter_and_prioritize_answer_the_same()
    {
        for (var seed = 100; seed < 130; seed++)
        {
            var body = Requests.Args(Requests.Pod($"twice-{seed}", PodShape.Random(new Random(seed))), Repository.ExampleNodes);
            var filtered = (await example.Service.PostAsync("filter", body)).ToString();
            var scored = (await example.Service.PostAsync("prioritize", body)).ToString();

            Assert.Equal(filtered, (await example.Service.PostAsync("filter", body)).ToString());
            Assert.Equal(scored, (await example.Service.PostAsync("prioritize", body)).ToString());
        }
    }

    [Fact]
    public async Task A_pod_without_GPUs_may_go_anywhere_and_prefers_nodes_without()
    {
        var body = Requests.Args(Requests.Pod("no-gpu", 0), Repository.ExampleNodes);

        Assert.Equal(Repository.ExampleNodes, AnswerShape.Filter((await example.Service.PostAsync("filter", body)).Json));
        var scores = AnswerShape.Prioritize((await example.Service.PostAsync("prioritize", body)).Json);
        Assert.Equal(("cpu-01", 10), Assert.Single(scores, s => s.Score > 4));
    }

    [Fact]
    public async Task With_answer_one_node_filter_answers_one_node_and_the_same_again()
    {
        await using var service = await RunningService.StartAsync(("Engine:AnswerOneNode", "true"));
        for (var seed = 0; seed < 40; seed++)
        {
            var body = Requests.Args(Requests.Pod($"one-node-{seed}", PodShape.Random(new Random(seed))), Repository.ExampleNodes);
            var first = await service.PostAsync("filter", body);

            Assert.InRange(AnswerShape.Filter(first.Json).Count, 0, 1);
            Assert.Equal(first.ToString(), (await service.PostAsync("filter", body)).ToString());
        }

        // It says nothing of the nodes that were merely not chosen, and everything of those that will not do.
        var answer = await service.PostAsync("filter", Requests.Args(Requests.Pod("one-node-reasons", new PodShape { Whole = 1, Models = ["T4"] }), "t4-01", "t4-02", "t4-03", "cpu-01", "l40s-01"));
        Assert.Single(AnswerShape.Filter(answer.Json));
        Assert.Subset(
            new HashSet<string>(["cpu-01", "l40s-01", "t4-01"]),
            answer.Json.GetProperty("FailedAndUnresolvableNodes").EnumerateObject().Concat(answer.Json.GetProperty("FailedNodes").EnumerateObject()).Select(n => n.Name).ToHashSet());
    }

    [Fact]
    public async Task With_do_nothing_every_known_node_passes_and_a_bind_takes_no_devices()
    {
        await using var service = await RunningService.StartAsync(("DoNothing", "true"));
        var pod = Requests.Pod("nothing", 64);
        var body = Requests.Args(pod, [.. Repository.ExampleNodes, "nobody"]);

        var filtered = await service.PostAsync("filter", body);
        Assert.Equal(Repository.ExampleNodes, AnswerShape.Filter(filtered.Json));
        Assert.Equal("nobody", Assert.Single(filtered.Json.GetProperty("FailedAndUnresolvableNodes").EnumerateObject()).Name);

        var grpc = new V1.SchedulerExtender.SchedulerExtenderClient(service.Grpc);
        var message = new V1.FilterRequest { Pod = Requests.Message("nothing", new PodShape { Whole = 64 }), NodeNames = { Repository.ExampleNodes.Append("nobody") } };
        var overGrpc = await grpc.FilterAsync(message, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(Repository.ExampleNodes, overGrpc.NodeNames);
        Assert.Equal("nobody", Assert.Single(overGrpc.FailedAndUnresolvableNodes).Key);

        Assert.All(AnswerShape.Prioritize((await service.PostAsync("prioritize", body)).Json), s => Assert.Equal(0, s.Score));

        var victims = new Dictionary<string, string[]> { ["h100-01"] = ["v"], ["cpu-01"] = [] };
        Assert.Equivalent(victims, AnswerShape.Preempt((await service.PostAsync("preempt", Requests.Preemption(pod, victims))).Json), strict: true);
        var preemption = new V1.PreemptRequest { Pod = message.Pod, NodeNameToVictims = { ["h100-01"] = new V1.Victims { PodUids = { "v" } }, ["cpu-01"] = new V1.Victims() } };
        Assert.Equal(preemption.NodeNameToVictims, (await grpc.PreemptAsync(preemption, cancellationToken: TestContext.Current.CancellationToken)).NodeNameToVictims);

        var bound = await service.PostAsync("bind", Requests.Binding("nothing", "cpu-01"));
        Assert.Equal((HttpStatusCode.OK, ""), (bound.Status, bound.Error));
        var node = await service.GetAsync("/v1/nodes/cpu-01");
        Assert.Contains(node.Json.GetProperty("allocations").EnumerateArray(), a => a.GetProperty("uid").GetString() == "nothing" && a.GetProperty("devices").GetArrayLength() == 0);
    }
}
