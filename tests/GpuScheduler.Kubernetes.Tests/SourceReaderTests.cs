using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Kubernetes.Sources;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

/// <summary>Objects and annotations of other stacks that cannot be right: what is said of them, and that nothing worse comes of them.</summary>
public sealed class SourceReaderTests
{
    private const string Register = "hami.io/node-nvidia-register";
    private const string Score = "hami.io/node-nvidia-score";

    [Theory]
    [InlineData("[", "it is not JSON")]
    [InlineData("[7]", "element 0 is not an object")]
    [InlineData("""[{"id":"GPU-a","devmem":1},{"id":"GPU-a","devmem":1}]""", "device GPU-a is listed twice")]
    [InlineData("""[{"id":"GPU-a","index":2},{"id":"GPU-b","index":2}]""", "two devices have the same index")]
    [InlineData("""[{"id":"GPU-a","count":-1}]""", "has count -1")]
    [InlineData("""[{"id":"GPU-a","devmem":-5}]""", "devmem -5")]
    [InlineData("""[{"id":"GPU-a","devmem":2000000000}]""", "devmem up to 16777216")]
    [InlineData("""[{"id":"GPU-a","devmem":1e30}]""", "devmem is 1e30, and a whole number of 32 bits is allowed")]
    [InlineData("""[{"id":"GPU-a","index":-1}]""", "index is -1")]
    [InlineData("""[{"id":7}]""", "id is 7, and a string is allowed")]
    [InlineData("""[{"id":"GPU-a","health":"yes"}]""", "health is \"yes\", and true or false is allowed")]
    [InlineData("""[{"index":1}]""", "a device has no id")]
    [InlineData("GPU-a,10,100", "device 1 is not of the form id,count,memory")]
    [InlineData("GPU-a,10,100,100,T4,0,perhaps:", "device 1 is not of the form")]
    [InlineData("GPU-a,10,100,100,T4,0,true,x,hami-core:", "the index of device 1 is not a number from 0 on")]
    [InlineData("GPU-a,-1,100,100,T4,0,true:", "has count -1")]
    [InlineData("nonsense", "device 1 is not of the form")]
    public void A_register_annotation_of_HAMi_that_cannot_be_right_is_not_used(string text, string said)
    {
        var statement = Read((Register, text))!;
        Assert.Empty(statement.Gpus);
        var warning = Assert.Single(statement.Warnings);
        Assert.StartsWith($"annotation {Register} is not used: ", warning, StringComparison.Ordinal);
        Assert.Contains(said, warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(65)]
    [InlineData(1_000)]
    public void More_devices_than_can_be_told_apart_are_none(int count)
    {
        var json = "[" + string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"id":"GPU-{{i}}","index":{{i}}}""")) + "]";
        Assert.Contains("at most 64 are allowed", Assert.Single(Read((Register, json))!.Warnings), StringComparison.Ordinal);
        var text = string.Concat(Enumerable.Range(0, count).Select(i => $"GPU-{i},1,1,1,T4,0,true:"));
        Assert.Contains("more than 64 devices", Assert.Single(Read((Register, text))!.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void An_annotation_that_is_too_long_is_not_even_looked_at()
    {
        var statement = Read((Register, new string('[', HamiAnnotations.LongestBytes + 1)))!;
        Assert.Equal($"annotation {Register} is not used: it is longer than 256 KiB", Assert.Single(statement.Warnings));
    }

    [Fact]
    public void Annotations_that_are_the_same_as_before_are_not_read_again()
    {
        const string Device = """[{"id":"GPU-a","count":10,"devmem":81559,"type":"NVIDIA-NVIDIA H100 80GB HBM3","health":true}]""";
        var first = Read((Register, Device), ("hami.io/node-handshake", "Reported 1"))!;

        Assert.Same(first, Read((Register, Device), ("hami.io/node-handshake", "Reported 2")));
        var cordoned = Read((Register, Device), (HamiAnnotations.Cordon, "GPU-a"))!;
        Assert.Equal(["GPU-a"], cordoned.Cordoned);
        Assert.Same(first, Read((Register, Device)));
        Assert.False(Assert.Single(Read((Register, Device.Replace("true", "false", StringComparison.Ordinal)))!.Gpus).Healthy);
    }

    [Fact]
    public void What_is_kept_is_what_a_fresh_look_finds()
    {
        string[] registers = ["[]", "[", """[{"id":"GPU-a","health":true}]""", """[{"id":"GPU-b","health":true}]""", "GPU-a,1,1,1,T4,0,true:"];
        string[] cordons = ["", "GPU-a", "GPU-a,GPU-b"];
        for (var seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var annotations = new List<(string Name, string Value)> { ("other", $"{seed}") };
            if (random.Next(3) > 0)
            {
                annotations.Add((Register, registers[random.Next(registers.Length)]));
            }

            if (random.Next(2) > 0)
            {
                annotations.Add((HamiAnnotations.Cordon, cordons[random.Next(cordons.Length)]));
            }

            var fresh = new HamiAnnotations();
            foreach (var (name, value) in annotations)
            {
                var json = new Utf8JsonReader(JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { [name] = value }));
                json.Read();
                json.Read();
                fresh.TryTake(ref json);
            }

            Assert.Equal(fresh.ToStatement(), Read([.. annotations]));
        }
    }

    [Fact]
    public void Other_annotations_are_passed_over_and_none_of_HAMi_says_nothing()
    {
        Assert.Null(Read(("hami.io/node-handshake", "Deleted_2026"), ("hami.io/mutex.lock", "x"), ("a", "[")));
        Assert.Null(NodeJsonReader.Read("""{"metadata":{"name":"a","annotations":null}}"""u8).Statement);
        Assert.Equal($"annotation {Register} is not used: it is not a string", Assert.Single(NodeJsonReader.Read("""{"metadata":{"annotations":{"hami.io/node-nvidia-register":{"a":1}},"name":"a"}}"""u8).Statement!.Warnings));
    }

    [Theory]
    [InlineData("{}", "it is not a JSON array")]
    [InlineData("""[{"uuid":"GPU-a","score":{"GPU-b":75}},{"uuid":"GPU-b","score":{"GPU-a":75}}]""", "is none that HAMi gives")]
    [InlineData("""[{"uuid":"GPU-a","score":{"GPU-b":110}},{"uuid":"GPU-b","score":{"GPU-a":210}}]""", "differs by direction")]
    [InlineData("""[{"uuid":"GPU-a","score":{"GPU-b":110}}]""", "is missing")]
    [InlineData("""[{"uuid":"GPU-a","score":{"GPU-b":1910}},{"uuid":"GPU-b","score":{"GPU-a":1910}}]""", "is none that HAMi gives")]
    [InlineData("""[{"uuid":"GPU-a","score":{"GPU-b":-10}}]""", "score.GPU-b is -10")]
    [InlineData("""[{"uuid":"GPU-a","score":[]}]""", "score is a list")]
    public void Scores_that_cannot_be_right_take_only_the_links_away(string scores, string said)
    {
        var statement = Read((Register, """[{"id":"GPU-a","index":0,"health":true},{"id":"GPU-b","index":1,"health":true}]"""), (Score, scores))!;
        Assert.Equal(2, statement.Gpus.Length);
        Assert.Null(statement.Nvlink);
        Assert.Contains(said, Assert.Single(statement.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Scores_without_any_NVLink_say_nothing_of_NVLink()
    {
        var statement = Read((Register, """[{"id":"GPU-a","health":true},{"id":"GPU-b","index":1,"health":true}]"""), (Score, """[{"uuid":"GPU-a","score":{"GPU-b":50}},{"uuid":"GPU-b","score":{"GPU-a":50}},{"uuid":"GPU-x","score":{"GPU-a":10}}]"""))!;
        Assert.Null(statement.Nvlink);
        Assert.Equal(PcieLevel.Single, statement.Pcie!.Pcie(0, 1));
    }

    [Theory]
    [InlineData("""{"type":"gpu","id":"GPU-a","minor":0,"health":true},{"type":"gpu","id":"GPU-a","minor":1,"health":true}""", "id GPU-a is listed twice")]
    [InlineData("""{"type":"gpu","id":"GPU-a","minor":0,"health":true},{"type":"gpu","id":"GPU-b","minor":0,"health":true}""", "minor 0 is listed twice")]
    [InlineData("""{"type":"gpu","id":"GPU-a","minor":-3,"health":true}""", "no minor, or a negative one")]
    [InlineData("""{"type":"gpu","minor":0,"health":true}""", "has no id")]
    [InlineData("""{"type":"gpu","id":"GPU-a","minor":0,"health":1}""", "spec.devices[0].health is 1, and true or false is allowed")]
    [InlineData("""{"type":"gpu","id":"GPU-a","minor":0,"health":true,"resources":{"koordinator.sh/gpu-memory":"-5Gi"}}""", "and a quantity of at least 1Mi is allowed")]
    [InlineData("""{"type":"gpu","id":"GPU-a","minor":0,"health":true,"resources":{"koordinator.sh/gpu-memory":"1e400"}}""", "and a quantity of at least 1Mi is allowed")]
    [InlineData("7", "spec.devices[0] is 7, and an object is allowed")]
    public void A_Device_of_Koordinator_that_cannot_be_right_is_not_used(string devices, string said)
    {
        var read = KoordinatorDeviceReader.Read(Encoding.UTF8.GetBytes($$"""{"metadata":{"name":"n"},"spec":{"devices":[{{devices}}]} }"""));
        Assert.Equal("n", read.Node);
        Assert.Empty(read.Statement.Gpus);
        Assert.Contains(said, Assert.Single(read.Statement.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[", "it is not JSON")]
    [InlineData("7", "it is not a JSON object")]
    [InlineData("""{"2":[{"minors":[0,5],"gpuLinkType":"NVLink"}]}""", "names a GPU twice, or one that is not among the devices")]
    [InlineData("""{"2":[{"minors":[0,0],"gpuLinkType":"NVLink"}]}""", "names a GPU twice")]
    [InlineData("""{"2":[{"minors":"0","gpuLinkType":"NVLink"}]}""", "a list of whole numbers is allowed")]
    [InlineData("""{"2":[{"minors":[0,1],"gpuLinkType":"NVLink","ringBusBandwidth":"fast"}]}""", "is no quantity of bytes a second")]
    [InlineData("""{"2":["NVLINK"]}""", "and an object is allowed")]
    [InlineData("""{"2":[{"minors":[0,1],"gpuLinkType":"\ud800"}]}""", "not valid Unicode")]
    public void Partitions_that_cannot_be_right_take_only_the_links_away(string partitions, string said)
    {
        var device = new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "n", ["annotations"] = new JsonObject { ["scheduling.koordinator.sh/gpu-partitions"] = partitions } },
            ["spec"] = JsonNode.Parse("""{"devices":[{"type":"gpu","id":"GPU-a","minor":0,"health":true},{"type":"gpu","id":"GPU-b","minor":1,"health":true}]}"""),
        };
        var statement = KoordinatorDeviceReader.Read(Encoding.UTF8.GetBytes(device.ToJsonString())).Statement;
        Assert.Equal(2, statement.Gpus.Length);
        Assert.Contains(said, Assert.Single(statement.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_is_done_to_them_only_JSON_faults_come_of_it()
    {
        var marks = Gen.Int[0, 22].Select(i => "0123456789-[]{}\",:eE tfn"u8[i]);
        foreach (var (name, read) in Readers())
        {
            var whole = Json(name);
            Gen.Select(Gen.Int[0, whole.Length - 1], Gen.OneOf(Gen.Byte, marks), Gen.Int[0, 9]).Sample(
                (at, value, how) =>
                {
                    byte[] text = how switch
                    {
                        0 => whole[..at],
                        1 => [.. whole[..at], .. whole[(at + 1)..]],
                        2 => [.. whole[..at], value, .. whole[at..]],
                        _ => [.. whole[..at], value, .. whole[(at + 1)..]],
                    };
                    try
                    {
                        Build(read(text));
                    }
                    catch (JsonException)
                    {
                        // The only one allowed.
                    }
                },
                iter: 3_000);
        }
    }

    [Fact]
    public void Whatever_the_annotations_of_HAMi_say_the_node_is_read()
    {
        var node = JsonNode.Parse(Json("hami-json.yaml"))!["metadata"]!["annotations"]!;
        string[] words = [(string)node[Register]!, (string)node[Score]!, "GPU-a,10,100,100,T4,0,true,0,hami-core:", "[{", "}]", "\"id\":", ",", ":", "-1", "1e9", "null", "\\ud800", "\0", "[]", "{}"];
        var word = Gen.Int[0, words.Length - 1].Select(i => words[i]);
        var text = Gen.Select(word, word, Gen.Int[0, 400], Gen.Int[0, 400]).Select((a, b, cut, from) => a[..Math.Min(cut, a.Length)] + b[Math.Min(from, b.Length)..]);
        Gen.Select(text, text, text).Sample(
            (register, score, cordon) => Build(("n", Read((Register, register), (Score, score), ("hami.io/device-cordon", cordon)))),
            iter: 10_000);
    }

    private static void Build((string Node, NodeStatement? Statement) read)
    {
        var facts = NodeFactsBuilder.Build(new NodeBuilder("n").Gpus("NVIDIA-H100-80GB-HBM3", 4).Build(), null, read.Statement is null ? [] : [read.Statement]);
        Assert.InRange(facts.Gpus.Length, 0, 64);
        Assert.Equal(facts.Gpus.Length, facts.Links.GpuCount);
        Assert.InRange(facts.Empty.FreeGpus, 0, facts.Gpus.Length);
        Assert.All(facts.Warnings, warning => Assert.InRange(warning.Length, 1, 1_000));
    }

    private static IEnumerable<(string Fixture, Func<byte[], (string, NodeStatement?)> Read)> Readers()
    {
        yield return ("koordinator-device.yaml", json => KoordinatorDeviceReader.Read(json) is var read ? (read.Node, read.Statement) : default);
        yield return ("hami-json.yaml", json => NodeJsonReader.Read(json) is var read ? (read.Name, read.Statement) : default);
        foreach (var fixture in new[] { "dra-v1.yaml", "dra-v1beta1.yaml", "dra-static-mig.yaml" })
        {
            yield return (fixture, json =>
            {
                var table = new ResourceSliceTable();
                var slice = ResourceSliceReader.Read(json);
                table.Upsert(slice);
                return (slice.Node, table.StatementOf(slice.Node));
            });
        }
    }

    /// <summary>The first object of a fixture.</summary>
    private static byte[] Json(string fixture)
    {
        var yaml = new YamlToJson(new YamlDotNet.Core.Parser(new StringReader(Fixtures.Sources(fixture))));
        Assert.True(yaml.NextDocument());
        return yaml.ReadObject((_, _) => { }, out _)!.Value.ToArray();
    }

    private static NodeStatement? Read(params (string Name, string Text)[] annotations)
    {
        var node = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "n", ["annotations"] = new JsonObject(annotations.Select(a => KeyValuePair.Create(a.Name, (JsonNode?)a.Text))) } };
        return NodeJsonReader.Read(Encoding.UTF8.GetBytes(node.ToJsonString())).Statement;
    }
}
