using System.Net;
using System.Text.Json;
using Xunit;

namespace GpuScheduler.Extender.Tests;

public sealed class MapTests
{
    [Fact]
    public async Task The_map_says_of_every_card_what_the_nodes_say()
    {
        await using var service = await RunningService.StartAsync();
        var map = (await service.GetAsync("/v1/map")).Json;
        var owners = map.GetProperty("owners").EnumerateArray().Select(o => o[0].GetString()!).ToArray();
        var seen = 0;
        foreach (var node in map.GetProperty("groups").EnumerateArray().SelectMany(g => g.GetProperty("nodes").EnumerateArray()))
        {
            var shown = (await service.GetAsync("/v1/nodes/" + node[0].GetString())).Json;
            Assert.Equal(shown.GetProperty("product").GetString(), map.GetProperty("products")[node[1].GetInt32()].GetString());
            var cards = node[2].EnumerateArray().ToArray();
            Assert.Equal(shown.GetProperty("gpus").GetInt32(), cards.Length);
            for (var gpu = 0; gpu < cards.Length; gpu++)
            {
                var holders = shown.GetProperty("allocations").EnumerateArray()
                    .Where(a => a.GetProperty("devices").EnumerateArray().Any(d => d.GetProperty("gpu").GetInt32() == gpu)).Select(a => a.GetProperty("pod").GetString()!);
                Assert.Equal(holders.Order(StringComparer.Ordinal), Owners(cards[gpu]).Select(o => owners[o - 1]).Distinct().Order(StringComparer.Ordinal));
                var faulty = node.GetArrayLength() > 3 && node[3].EnumerateArray().Any(f => f.GetInt32() == gpu);
                Assert.Equal(shown.GetProperty("devices")[gpu].GetProperty("healthy").GetBoolean(), !faulty);
                seen++;
            }
        }

        Assert.Equal(seen, (await service.GetAsync("/v1/nodes")).Json.GetProperty("nodes").EnumerateArray().Sum(n => n.GetProperty("gpus").GetInt32()));
    }

    [Fact]
    public async Task A_map_that_is_known_is_not_sent_again()
    {
        await using var service = await RunningService.StartAsync();
        using var first = await service.Http.GetAsync(new Uri("/v1/map", UriKind.Relative), TestContext.Current.CancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/map");
        request.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        using var second = await service.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Empty(await second.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
    }

    private static IEnumerable<int> Owners(JsonElement card) => card.ValueKind == JsonValueKind.Number
        ? card.GetInt32() is > 0 and var owner ? [owner] : []
        : card.EnumerateArray().Where(p => p.ValueKind == JsonValueKind.Array).Select(p => p[p.GetArrayLength() - 1].GetInt32());
}
