using System.Text;
using System.Text.Json;
using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Wire;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Wire;

public sealed class ExtenderArgsReaderTests
{
    private static readonly string[] s_nodes = [.. Enumerable.Range(0, 500).Select(i => $"node-{i:d4}"), "ünïcode.example", "n"];
    private static readonly Snapshot s_snapshot = MakeSnapshot();

    /// <summary>The sizes in which a body comes, from single bytes to the whole.</summary>
    private enum Pieces
    {
        Bytes,
        Small,
        Large,
        Mixed,
        Whole,
    }

    [Fact]
    public void Read_in_pieces_of_any_size_the_result_is_that_of_the_whole_document()
    {
        Gen.Int[0, int.MaxValue - 1].Sample(
            seed =>
            {
                var body = new ArgsGenerator(new Random(seed), s_nodes).Next();
                var random = new Random(seed);
                var pieces = (Pieces)random.Next(5);
                if (pieces == Pieces.Bytes && body.Length > 50_000)
                {
                    // A read a byte is as good a test on a small body.
                    pieces = Pieces.Mixed;
                }

                Compare(body, pieces, random, random.Next(2) == 0 ? body.Length : null, random.Next(2) == 0);
            },
            iter: 1500,
            threads: 1);
    }

    [Theory]
    [InlineData(1024 - 1)]
    [InlineData(1024)]
    [InlineData(1024 + 1)]
    [InlineData((512 * 1024) - 1)]
    [InlineData(512 * 1024)]
    [InlineData((512 * 1024) + 1)]
    [InlineData((1024 * 1024) - 1)]
    [InlineData(1024 * 1024)]
    [InlineData((1024 * 1024) + 1)]
    public void A_body_as_large_as_the_window_or_a_byte_more_or_less_is_read_to_its_end(int size)
    {
        var head = """{"Pod":{"metadata":{"name":"p","uid":"u"},"spec":{"containers":[{"resources":{"requests":{"nvidia.com/gpu":"1"}}}]}},"NodeNames":["node-0001","nobody"],"Pad":" """;
        var body = Encoding.UTF8.GetBytes(head + new string('x', size - head.Length - 2) + "\"}");
        Assert.Equal(size, body.Length);
        foreach (var pieces in new[] { Pieces.Small, Pieces.Large, Pieces.Whole })
        {
            Compare(body, pieces, new Random(1), body.Length, true);
            Compare(body, pieces, new Random(1), null, true);
        }
    }

    [Fact]
    public void A_list_of_names_longer_than_the_window_is_read_as_it_comes_and_every_name_once()
    {
        var random = new Random(8);
        var names = Enumerable.Range(0, 100_000).Select(i => random.Next(20) == 0 ? $"nobody-{i}" : s_nodes[random.Next(s_nodes.Length)]);
        var body = Encoding.UTF8.GetBytes($$$"""{"Pod":{"metadata":{"name":"p","uid":"u"},"spec":{"containers":[]}},"NodeNames":{{{JsonSerializer.Serialize(names)}}}}""");
        foreach (var pieces in Enum.GetValues<Pieces>().Where(p => p != Pieces.Bytes))
        {
            Compare(body, pieces, random, body.Length, true);
            Compare(body, pieces, random, null, true);
        }

        // Larger than a single object may be.
        using var args = Read(
            [.. """{"Pod":{"metadata":{"name":"p","uid":"u"}},"NodeNames":["n" """u8, .. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(",\"node-0001\"", 1_500_000))), .. "]}"u8], Pieces.Large, random, null, true);
        Assert.Equal(2, args.Count);
    }

    [Fact]
    public void An_object_larger_than_any_real_one_is_refused_with_its_limit()
    {
        var body = Encoding.UTF8.GetBytes($$$"""{"Pod":{"metadata":{"name":"{{{new string('x', 17 * 1024 * 1024)}}}"}},"NodeNames":[]}""");

        var refused = Assert.Throws<WireException>(() => Read(body, Pieces.Large, new Random(1), null, true));

        Assert.Contains("larger than 16 MiB", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_body_longer_than_announced_is_no_reason_to_wait_or_to_fail()
    {
        var body = Encoding.UTF8.GetBytes("""{"Pod":{"metadata":{"name":"p","uid":"u"}},"NodeNames":["node-0001"]}""");

        using var args = Read([.. body, .. "   and more"u8], Pieces.Whole, new Random(1), body.Length, false);

        Assert.Equal(1, args.Count);
    }

    [Fact]
    public void Five_thousand_names_cost_no_memory_by_the_name()
    {
        var body = Encoding.UTF8.GetBytes($$$"""{"Pod":{"metadata":{"name":"p","uid":"u"}},"NodeNames":{{{JsonSerializer.Serialize(s_nodes)}}}}""");
        long Allocated()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            using var args = Read(body, Pieces.Whole, new Random(1), body.Length, true);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        for (var i = 0; i < 20; i++)
        {
            Allocated();
        }

        Assert.InRange(Allocated(), 0, 20 * s_nodes.Length);
    }

    private static void Compare(byte[] body, Pieces pieces, Random random, long? contentLength, bool keepBodies)
    {
        var expected = ArgsOracle.Read(body, s_snapshot);
        if (expected.Error is not null)
        {
            Assert.Equal(expected.Error, Assert.Throws<WireException>(() => Read(body, pieces, random, contentLength, keepBodies)).Message);
            return;
        }

        using var args = Read(body, pieces, random, contentLength, keepBodies);
        Assert.Equal(expected.PodUid, args.Pod!.Uid);
        Assert.Equal(expected.PodGpus, args.Pod.Request.WholeGpus);
        Assert.Equal((expected.HasNames, expected.HasNodes), (args.HasNames, args.HasNodes));
        Assert.Equal(expected.Candidates, args.Candidates.ToArray());
        Assert.Equal(expected.Unknown, args.Unknown.Select(u => JsonSerializer.Deserialize<string>(u)));
        if (keepBodies && expected.HasNodes)
        {
            // Taken through the writer, which is what the ranges are for: runs of accepted nodes, and gaps between them.
            var statuses = expected.Candidates.Select(c => c >= 0 && random.Next(3) > 0 ? Status.Success : Reasons.UnknownNode).ToArray();
            using var output = new SegmentedBuffer();
            FilterResponseWriter.Write(output, args, statuses);
            var written = Encoding.UTF8.GetString([.. output.Pieces().SelectMany(p => p.ToArray())]);
            Assert.Equal(output.Length, Encoding.UTF8.GetByteCount(written));
            using var json = JsonDocument.Parse(written);
            Assert.Equal(
                expected.Bodies.Where((_, i) => statuses[i].IsSuccess),
                json.RootElement.GetProperty("Nodes").GetProperty("items").EnumerateArray().Select(n => n.GetRawText()));
        }
    }

    private static ExtenderArgs Read(byte[] body, Pieces pieces, Random random, long? contentLength, bool keepBodies)
    {
        using var stream = new ChunkedStream(body, () => pieces switch
        {
            Pieces.Bytes => 1,
            Pieces.Small => random.Next(1, 400),
            Pieces.Large => random.Next(1, 300_000),
            Pieces.Mixed => random.Next(3) switch { 0 => 1, 1 => random.Next(1, 5000), _ => random.Next(1, 600_000) },
            _ => int.MaxValue,
        });
        var reading = ExtenderArgsReader.ReadAsync(stream, contentLength, s_snapshot, keepBodies, CancellationToken.None).AsTask();

        // The stream always has bytes ready.
        Assert.True(reading.IsCompleted);
        return reading.GetAwaiter().GetResult();
    }

    private static Snapshot MakeSnapshot()
    {
        var cluster = new ClusterState(TimeProvider.System, new LedgerOptions());
        foreach (var name in s_nodes)
        {
            cluster.UpsertNode(new NodeBuilder(name).Gpus("Tesla-T4", 1).Build());
        }

        return cluster.Current;
    }
}
