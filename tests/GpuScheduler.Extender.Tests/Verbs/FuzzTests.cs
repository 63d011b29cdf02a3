using System.Net;
using System.Text;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Kubernetes;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>Valid bodies, spoiled: each is either refused in words or answered in its form, and nothing else ever happens.</summary>
public sealed class FuzzTests
{
    [Theory(Timeout = 120_000)]
    [InlineData("filter", 12_000)]
    [InlineData("prioritize", 12_000)]
    [InlineData("preempt", 12_000)]
    [InlineData("bind", 8_000)]
    public async Task A_spoiled_body_is_refused_in_words_or_answered_in_its_form(string verb, int times)
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        SnapshotFile.Load(Repository.ExampleCluster).ApplyTo(cluster);
        using var metrics = new ExtenderMetrics(cluster, "fuzz");
        var verbs = new VerbProcessor(new SchedulingEngine(cluster, new EngineOptions()), metrics, new RecentPods(), new ExtenderOptions());
        var bodies = Bodies(verb);
        for (var seed = 0; seed < times; seed++)
        {
            var random = new Random(seed);
            var body = new Mutator(random).Next(bodies[random.Next(bodies.Count)]);
            try
            {
                using var output = new SegmentedBuffer();
                using var stream = new ChunkedStream(body, () => random.Next(1, 1000));
                long? length = random.Next(2) == 0 ? body.Length : null;
                switch (verb)
                {
                    case "filter":
                        await verbs.FilterAsync(stream, length, output, TestContext.Current.CancellationToken);
                        break;
                    case "prioritize":
                        await verbs.PrioritizeAsync(stream, length, output, TestContext.Current.CancellationToken);
                        break;
                    case "preempt":
                        await verbs.PreemptAsync(stream, output, TestContext.Current.CancellationToken);
                        break;
                    default:
                        var args = BindingArgs.Read(body);
                        Assert.All([args.PodName, args.PodNamespace, args.PodUid, args.Node], Assert.NotEmpty);
                        BindingArgs.WriteResult(output, args.ToString());
                        break;
                }

                AnswerShape.Any(verb, new Answer(HttpStatusCode.OK, [.. output.Pieces().SelectMany(p => p.ToArray())]));
            }
            catch (WireException e)
            {
                Assert.NotEqual("", e.Message);
                using var output = new SegmentedBuffer();
                FilterResponseWriter.WriteError(output, e.Message);
                AnswerShape.Filter(JsonDocument.Parse(output.Pieces()[0]).RootElement);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}\n{Encoding.UTF8.GetString(body)}");
            }
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Over_HTTP_too_and_the_service_goes_on()
    {
        await using var service = await RunningService.StartAsync();
        foreach (var verb in new[] { "filter", "prioritize", "preempt", "bind" })
        {
            var bodies = Bodies(verb);
            await Parallel.ForAsync(0, 1000, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = TestContext.Current.CancellationToken }, async (seed, _) =>
            {
                var random = new Random(-seed);
                var body = new Mutator(random).Next(bodies[random.Next(bodies.Count)]);

                var answer = await service.PostAsync(verb, body, chunked: random.Next(4) == 0);

                try
                {
                    AnswerShape.Any(verb, answer);
                }
                catch (Exception e)
                {
                    Assert.Fail($"{verb}, seed {seed}: {answer}\n{Encoding.UTF8.GetString(body)}\n{e}");
                }
            });
        }

        // Whatever was bound and held on the way: no device is in two hands.
        foreach (var node in Repository.ExampleNodes)
        {
            Assert.False((await service.GetAsync("/v1/nodes/" + node)).Json.GetProperty("conflict").GetBoolean());
        }
    }

    private static List<byte[]> Bodies(string verb)
    {
        var bodies = new List<byte[]>();
        for (var seed = 0; seed < 10; seed++)
        {
            var pod = Requests.Pod($"fuzz-{seed}", PodShape.Random(new Random(seed)));
            bodies.Add(Encoding.UTF8.GetBytes(verb switch
            {
                "preempt" => Requests.Preemption(pod, new Dictionary<string, string[]> { ["h100-01"] = ["30000000-0000-4000-8000-000000000001"], ["v100-01"] = [], ["nobody"] = ["v"] }),
                "bind" => Requests.Binding($"fuzz-{seed}", Repository.ExampleNodes[seed]),
                _ when seed % 2 == 0 => Requests.NodesArgs(pod, Repository.ExampleNodes.Append("nobody").Select(n => $$"""{"metadata":{"name":"{{n}}","labels":{"a":"b"} },"status":{} }""")),
                _ => Requests.Args(pod, Repository.ExampleNodes.Append("nobody")),
            }));
        }

        bodies.AddRange(Fixtures.WireNames
            .Where(n => n.StartsWith(verb, StringComparison.Ordinal) && n.EndsWith("request.json", StringComparison.Ordinal) && Fixtures.Wire(n).Length < 10_000)
            .Select(Fixtures.Wire));
        return bodies;
    }
}
