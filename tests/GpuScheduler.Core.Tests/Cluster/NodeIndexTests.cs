using System.Text;
using CsCheck;
using GpuScheduler.Core.Cluster;
using Xunit;

namespace GpuScheduler.Core.Tests.Cluster;

public class NodeIndexTests
{
    [Fact]
    public void Every_name_is_found_at_its_position_whatever_was_looked_up_before()
    {
        var name = Gen.Int[0, 400].Select(i => i % 4 == 0 ? null : $"gpu-node-{i:d3}" + new string('x', i % 30));
        Gen.Select(name.Array[0, 60], Gen.Int[0, 430].Array[0, 60]).Sample((names, lookups) =>
        {
            names = [.. names.Select((n, i) => n is not null && names.AsSpan(0, i).Contains(n) ? null : n)];
            var index = new NodeIndex(names);
            Assert.Equal(names.Count(n => n is not null), index.Count);
            var after = -1;
            foreach (var lookup in lookups)
            {
                var wanted = $"gpu-node-{lookup:d3}" + new string('x', lookup % 30);
                var position = index.Find(Encoding.UTF8.GetBytes(wanted), after);
                Assert.Equal(Array.IndexOf(names, wanted), position);
                Assert.Equal(position, index.Find(wanted));
                after = position;
            }
        });
    }

    [Fact]
    public void The_empty_name_is_not_found_even_where_a_position_is_free()
    {
        var index = new NodeIndex(["a", null, "b"]);
        Assert.Equal(-1, index.Find(""));
        Assert.Equal(-1, index.Find(""u8));
        Assert.Equal(-1, index.Find(""u8, after: 0));
        Assert.Equal(-1, new NodeIndex([]).Find("a"));
    }

    [Fact]
    public void A_name_is_written_as_a_JSON_string()
    {
        var index = new NodeIndex(["plain", "qu\"ote"]);
        Assert.Equal("\"plain\"", Encoding.UTF8.GetString(index.JsonName(0)));
        Assert.Equal("qu\"ote", System.Text.Json.JsonSerializer.Deserialize<string>(index.JsonName(1)));
    }

    [Fact]
    public void A_name_longer_than_any_DNS_name_is_found_too()
    {
        var name = new string('n', 1000);
        Assert.Equal(0, new NodeIndex([name]).Find(name));
    }
}
