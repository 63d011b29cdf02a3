using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Metrics;
using GpuScheduler.Extender.Settings;
using GpuScheduler.Extender.Verbs;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Kubernetes;
using GpuScheduler.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>
/// Messages of every kind that reach the service, whole and spoiled, drawn from a seed: each is answered or refused in words, and no device is
/// ever given out in a way that the auditor rejects. <c>GPU_SCHEDULER_FUZZ_COUNT</c> says how many (30,000 when it is not set),
/// <c>GPU_SCHEDULER_FUZZ_SEED</c> which.
/// </summary>
public sealed class MessageGeneratorTests(ITestOutputHelper output)
{
    /// <summary>No single message may take longer: it is a hang, or nearly one.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Whatever_comes_is_answered_or_refused_in_words_and_no_device_is_given_out_wrongly()
    {
        var count = FromEnvironment("GPU_SCHEDULER_FUZZ_COUNT", 30_000);
        var seed = FromEnvironment("GPU_SCHEDULER_FUZZ_SEED", 1);
        var world = new World(seed);
        var clock = Stopwatch.StartNew();
        var longest = TimeSpan.Zero;
        for (var i = 0; i < count; i++)
        {
            var begun = clock.Elapsed;
            try
            {
                await world.NextAsync();
            }
            catch (Exception e)
            {
                Assert.Fail($"GPU_SCHEDULER_FUZZ_SEED={seed}, message {i}: {e}\n{world.Last}");
            }

            var took = clock.Elapsed - begun;
            longest = took > longest ? took : longest;
            Assert.True(took < s_longest, $"GPU_SCHEDULER_FUZZ_SEED={seed}, message {i} took {took}:\n{world.Last}");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count} messages in {clock.Elapsed.TotalSeconds:F0} s, the longest {longest.TotalMilliseconds:F0} ms: {world}"));
        Assert.True(world.Bound > count / 100, $"only {world.Bound} binds: the messages say too little");
        Assert.True(world.Refused > count / 100, $"only {world.Refused} refusals: the messages say too little");
    }

    private static int FromEnvironment(string name, int otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    /// <summary>A cluster, the service before it, and what an auditor knows of both.</summary>
    private sealed class World
    {
        private const int MostHeld = 60;

        private static readonly string[] s_words = ["", " ", "0", "-1", "1", "250", "1000", "1001", "1e3", "0x10", "8Gi", "8gi", "99999999999999999999Gi", "1.5", "NaN", "required", "REQUIRED", "none", "H100|V100", "|", "[]", "[{\"gpu\":0}]", "[{\"gpu\":-1}]", "[{\"gpu\":0,\"mig\":\"1g.5gb\",\"start\":0,\"size\":1}]", "{", "\ud83d\ude80", "a,b;c"];
        private static readonly string[] s_names = [.. typeof(GpuAnnotations).GetFields().Where(f => f.IsLiteral && f.FieldType == typeof(string)).Select(f => (string)f.GetRawConstantValue()!), "aliyun.com/gpu-mem", "nvidia.com/gpumem", "nvidia.com/gpucores", "volcano.sh/vgpu-memory", "gpu-fraction", "pod-group.scheduling.sigs.k8s.io/name"];

        private readonly ManualTimeProvider _time = new();
        private readonly ClusterState _cluster;
        private readonly VerbProcessor _verbs;
        private readonly BindHandler _binder;
        private readonly Random _random;
        private readonly Mutator _mutator;
        private readonly Dictionary<string, AuditedNode> _nodes;
        private readonly string[] _names;
        private readonly Dictionary<string, PodShape> _shapes = [];
        private readonly Dictionary<string, AuditedHold> _holds = [];
        private readonly Dictionary<string, int> _kinds = [];
        private byte[] _last = [];
        private int _pods;

        public World(int seed)
        {
            _random = new Random(seed);
            _mutator = new Mutator(_random);
            _cluster = new ClusterState(_time, new LedgerOptions());
            var shapes = Enum.GetValues<NodeKind>().SelectMany(k => new[] { new NodeShape(k, $"{k}-a".ToLowerInvariant()), new NodeShape(k, $"{k}-b".ToLowerInvariant(), Unhealthy: 2) }).ToList();
            foreach (var shape in shapes)
            {
                _cluster.UpsertNode(shape.Node());
                _cluster.UpsertReport(shape.Name, shape.Report());
            }

            _nodes = shapes.ToDictionary(s => s.Name, s => s.Audited(s));
            _names = [.. _nodes.Keys];
            var engine = new SchedulingEngine(_cluster, new EngineOptions());
            var metrics = new ExtenderMetrics(_cluster, "messages");
            var recent = new RecentPods();
            _verbs = new VerbProcessor(engine, metrics, recent, new ExtenderOptions());
            _binder = new BindHandler(engine, new FakeBinder(), recent, new SettingsInUse(new ExtenderOptions()), metrics, NullLogger<BindHandler>.Instance, time: _time);
        }

        public int Bound { get; private set; }

        public int Refused { get; private set; }

        public string Last => Encoding.UTF8.GetString(_last);

        public override string ToString() => $"{string.Join(", ", _kinds.OrderBy(k => k.Key).Select(k => $"{k.Value} {k.Key}"))}; {Bound} bound, {Refused} refused in words";

        public async Task NextAsync()
        {
            _time.Advance(TimeSpan.FromMilliseconds(_random.Next(200)));
            if (_random.Next(50) == 0)
            {
                _cluster.Expire();
            }

            var kind = _random.Next(12);
            try
            {
                await (kind switch
                {
                    0 or 1 or 2 => PlaceAsync(),
                    3 => SpoiltAsync("filter", Args()),
                    4 => SpoiltAsync("prioritize", Args()),
                    5 => SpoiltAsync("preempt", Preemption()),
                    6 => SpoiltAsync("bind", Requests.Binding($"m{_random.Next(Math.Max(1, _pods - 50), _pods + 2)}", Pick(_names))),
                    7 => PodObjectAsync(),
                    8 => NodeObjectAsync(),
                    9 => ReportAsync(),
                    10 => AnnotatedAsync(),
                    _ => PreemptAsync(),
                });
            }
            catch (Exception e) when (e is WireException or JsonException or InvalidReportException)
            {
                Assert.NotEqual("", e.Message);
                Refused++;
            }
        }

        /// <summary>A pod's whole way: filter, prioritize, bind, and then gone some time later.</summary>
        private async Task PlaceAsync()
        {
            Count("placements");
            var uid = $"m{_pods++}";
            var shape = PodShape.Random(_random);
            _shapes[uid] = shape;
            var pod = Requests.Pod(uid, shape);
            var passed = AnswerShape.Filter(await VerbAsync("filter", Bytes(Requests.Args(pod, _names))));
            if (passed.Count > 0)
            {
                var scores = AnswerShape.Prioritize(await VerbAsync("prioritize", Bytes(Requests.Args(pod, passed))));
                var node = _random.Next(3) == 0 ? Pick(passed) : scores.MaxBy(s => s.Item2).Item1;
                await BindAsync(Bytes(Requests.Binding(uid, node)));
            }

            while (_holds.Count > MostHeld)
            {
                var gone = Pick([.. _holds.Keys]);
                _holds.Remove(gone);
                _cluster.DeletePod(gone);
            }
        }

        private async Task SpoiltAsync(string verb, string body)
        {
            Count("spoilt " + verb);
            var spoilt = _mutator.Next(Bytes(body));
            if (verb == "bind")
            {
                await BindAsync(spoilt);
                return;
            }

            var answer = await VerbAsync(verb, spoilt);
            switch (verb)
            {
                case "filter":
                    AnswerShape.Filter(answer);
                    break;
                case "prioritize":
                    AnswerShape.Prioritize(answer);
                    break;
                default:
                    AnswerShape.Preempt(answer);
                    break;
            }
        }

        private async Task BindAsync(byte[] body)
        {
            _last = body;
            var args = BindingArgs.Read(body);
            var answer = await _binder.BindAsync(args);
            if (answer.Error.Length > 0)
            {
                Refused++;
                return;
            }

            Bound++;
            if (answer.Devices.Devices.IsEmpty)
            {
                return;
            }

            // Not the pod's own words, where those were spoilt: then what it got is judged against the others alone.
            var hold = _shapes.TryGetValue(args.PodUid, out var shape) ? shape.Hold(args.PodUid, args.Node, answer.Devices) : Given(args, answer.Devices);
            _holds[args.PodUid] = hold;
            var wrong = ClusterAuditor.Audit(_nodes.Values.Where(n => n.Name == args.Node), _holds.Values.Where(h => h.Node == args.Node));
            Assert.True(wrong.Count == 0, $"{string.Join('\n', wrong)}\nafter {args}");
            _cluster.TryGetPod(args.PodUid, out var known);
            _cluster.UpsertPod((known ?? PodJsonReader.Read(Bytes(Requests.Pod(args.PodUid, shape ?? new PodShape())))) with { NodeName = args.Node, Assignment = answer.Devices });
        }

        private static AuditedHold Given(BindingArgs args, DeviceAssignment devices)
        {
            var hold = new PodShape().Hold(args.PodUid, args.Node, devices);
            return hold with
            {
                Whole = hold.Parts.Count(p => p.IsWhole),
                Mig = hold.Parts.Where(p => p.Profile is not null).CountBy(p => p.Profile!).ToDictionary(),
                ShareCount = hold.Parts.Count(p => p.IsShare),
                ShareMilli = hold.Parts.FirstOrDefault(p => p.IsShare).Milli,
                ShareMemoryMiB = hold.Parts.FirstOrDefault(p => p.IsShare).MemoryMiB,
            };
        }

        private async Task PreemptAsync()
        {
            Count("preemptions");
            AnswerShape.Preempt(await VerbAsync("preempt", Bytes(Preemption())));
        }

        /// <summary>A pod that the API server sends, of a node that nothing is decided for, so that what it claims is its own affair.</summary>
        private Task PodObjectAsync()
        {
            Count("pod objects");
            var pod = JsonNode.Parse(Requests.Pod($"o{_random.Next(200)}", PodShape.Random(_random)))!;
            pod["spec"]!["nodeName"] = $"elsewhere-{_random.Next(4)}";
            pod["metadata"]!["annotations"]![GpuAnnotations.AssignedDevices] = Pick(s_words);
            _last = _mutator.Next(Bytes(pod.ToJsonString()));
            var read = PodJsonReader.Read(_last);
            if (read.Uid.StartsWith('o') && read.NodeName?.StartsWith("elsewhere-", StringComparison.Ordinal) == true)
            {
                _cluster.UpsertPod(read);
                if (_random.Next(2) == 0)
                {
                    _cluster.DeletePod(read.Uid);
                }
            }

            return Task.CompletedTask;
        }

        private Task NodeObjectAsync()
        {
            Count("node objects");
            var labels = new JsonObject
            {
                ["nvidia.com/gpu.product"] = Pick(["NVIDIA-H100-80GB-HBM3", "NVIDIA-A100-SXM4-40GB-MIG-1g.5gb", "Tesla-T4", "", "x"]),
                ["nvidia.com/gpu.count"] = Pick(s_words),
                ["nvidia.com/gpu.memory"] = Pick(s_words),
                ["nvidia.com/mig.strategy"] = Pick(["mixed", "single", "none", "?"]),
            };
            var node = new JsonObject
            {
                ["metadata"] = new JsonObject { ["name"] = $"elsewhere-{_random.Next(4)}", ["labels"] = labels, ["annotations"] = new JsonObject { ["hami.io/node-nvidia-register"] = Pick(s_words) } },
                ["status"] = new JsonObject { ["allocatable"] = new JsonObject { ["nvidia.com/gpu"] = Pick(s_words), ["nvidia.com/mig-1g.5gb"] = Pick(s_words), ["cpu"] = Pick(s_words) } },
            };
            _last = _mutator.Next(Bytes(node.ToJsonString()));
            var read = NodeJsonReader.Read(_last);
            if (read.Name.StartsWith("elsewhere-", StringComparison.Ordinal))
            {
                _cluster.UpsertNode(read);
                if (_random.Next(3) == 0)
                {
                    _cluster.DeleteNode(read.Name);
                }
            }

            return Task.CompletedTask;
        }

        private Task ReportAsync()
        {
            Count("node reports");
            var gpus = new JsonArray([.. Enumerable.Range(0, _random.Next(9)).Select(i => (JsonNode)new JsonObject
            {
                ["index"] = _random.Next(10) == 0 ? _random.Next(-2, 20) : i,
                ["uuid"] = $"GPU-{i}",
                ["memoryMib"] = _random.Next(5) == 0 ? _random.Next() : 81559,
                ["health"] = new JsonObject { ["unhealthy"] = _random.Next(2) == 0, ["reason"] = Pick(s_words) },
            })]);
            var report = new JsonObject { ["metadata"] = new JsonObject { ["name"] = $"elsewhere-{_random.Next(4)}" }, ["spec"] = new JsonObject { ["gpus"] = gpus } };
            _last = _mutator.Next(Bytes(report.ToJsonString()));
            var (node, read) = GpuNodeReader.Read(_last);
            if (node.StartsWith("elsewhere-", StringComparison.Ordinal))
            {
                _cluster.UpsertReport(node, read);
            }

            return Task.CompletedTask;
        }

        /// <summary>Words that people write by mistake, in JSON that is none the less sound.</summary>
        private async Task AnnotatedAsync()
        {
            Count("odd annotations");
            var uid = $"m{_pods++}";
            var annotations = Enumerable.Range(0, _random.Next(1, 5)).Select(_ => Pick(s_names)).Distinct().ToDictionary(n => n, _ => Pick(s_words));
            var requests = Enumerable.Range(0, _random.Next(3)).Select(_ => Pick(["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "nvidia.com/mig-", "gpuscheduler.io/shared-gpu", "cpu", "nvidia.com/gpumem"])).Distinct().ToDictionary(n => n, _ => Pick(s_words));
            var answer = await VerbAsync("filter", Bytes(Requests.Args(Requests.Pod(uid, requests, annotations), _names)));
            var passed = AnswerShape.Filter(answer);
            if (answer.TryGetProperty("Error", out var error) && error.GetString() is { Length: > 0 })
            {
                Refused++;
            }
            else if (passed.Count > 0)
            {
                await BindAsync(Bytes(Requests.Binding(uid, Pick(passed))));
            }
        }

        private string Args()
        {
            var pod = Requests.Pod($"s{_random.Next(1000)}", PodShape.Random(_random));
            return _random.Next(2) == 0 ? Requests.Args(pod, _names.Append("nobody")) : Requests.NodesArgs(pod, _names.Append("nobody").Select(n => $$"""{"metadata":{"name":"{{n}}"},"status":{} }"""));
        }

        private string Preemption() => Requests.Preemption(
            Requests.Pod($"s{_random.Next(1000)}", PodShape.Random(_random)),
            _names.Where(_ => _random.Next(3) == 0).ToDictionary(n => n, n => _holds.Values.Where(h => h.Node == n && _random.Next(2) == 0).Select(h => h.Pod).Append("nobody").ToArray()));

        private async Task<JsonElement> VerbAsync(string verb, byte[] body)
        {
            _last = body;
            using var result = new SegmentedBuffer();
            using var stream = new MemoryStream(body);
            _ = verb switch
            {
                "filter" => await _verbs.FilterAsync(stream, body.Length, result, CancellationToken.None),
                "prioritize" => await _verbs.PrioritizeAsync(stream, body.Length, result, CancellationToken.None),
                _ => await _verbs.PreemptAsync(stream, result, CancellationToken.None),
            };
            return JsonDocument.Parse(result.Pieces().SelectMany(p => p.ToArray()).ToArray()).RootElement;
        }

        private void Count(string kind) => _kinds[kind] = _kinds.GetValueOrDefault(kind) + 1;

        private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

        private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
    }
}
