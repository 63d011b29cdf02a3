using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Testing.Browsing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GpuScheduler.Extender.Tests.Page;

/// <summary>The page at / as a browser shows it. With PAGE_PICTURES=folder pictures are left there, to be looked at.</summary>
public sealed class PageTests(PageBrowser browser) : IClassFixture<PageBrowser>, IDisposable
{
    private const string Drawn = "typeof nodes !== 'undefined' && nodes.length > 0 && document.getElementById('status').textContent.startsWith('As of')";

    private readonly string _folder = Directory.CreateTempSubdirectory("page-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_allows_no_script_style_or_address_but_its_own()
    {
        await using var service = await RunningService.StartAsync();
        foreach (var path in new[] { "/", "/page.css", "/page.js" })
        {
            using var answer = await service.Http.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
            Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        }

        var script = System.Text.Encoding.UTF8.GetString((await service.GetAsync("/page.js")).Body);
        foreach (var sink in new[] { "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "sessionStorage", "cookie" })
        {
            Assert.DoesNotContain(sink, script, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(390, false)]
    public async Task It_shows_the_cluster_without_a_complaint_and_no_wider_than_the_screen(int width, bool dark)
    {
        await using var service = await RunningService.StartAsync(("Cluster", MadeCluster.Write(_folder, 50)));
        await AskAsync(service);
        await using var page = await OpenAsync(service, width, dark);
        await page.WaitForAsync("document.querySelectorAll('#decisions li').length >= 2 && document.querySelectorAll('#waiting li').length >= 1", Cancellation);
        await SaveAsync(page, string.Create(CultureInfo.InvariantCulture, $"fifty-{width}-{(dark ? "dark" : "light")}"));

        Assert.Empty(page.Complaints);
        Assert.All(page.Requests, r => Assert.True(r.StartsWith(service.Addresses[0].ToString(), StringComparison.Ordinal) || r.StartsWith("data:", StringComparison.Ordinal), r));
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth", Cancellation));
        Assert.Equal(50, await page.EvaluateAsync<int>("nodes.length", Cancellation));
        Assert.Equal("50", await page.EvaluateAsync<string>("document.querySelector('#tiles dd').textContent", Cancellation));
        Assert.Equal(dark ? "rgb(18, 22, 28)" : "rgb(255, 255, 255)", await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor", Cancellation));
        var colours = await page.EvaluateAsync<int>(
            "(() => { const c = document.getElementById('map'); const d = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer); return new Set(d).size; })()", Cancellation);
        Assert.True(colours >= 6, $"{colours} colours");
        Assert.Contains("team/pod-large", await page.EvaluateAsync<string>("document.getElementById('waiting').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Contains("not enough free GPUs", await page.EvaluateAsync<string>("document.getElementById('waiting').textContent", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Unhealthy_cards_and_MIG_devices_of_the_example_cluster_are_told()
    {
        await using var service = await RunningService.StartAsync();
        await using var page = await OpenAsync(service, 1280, dark: false);
        await SaveAsync(page, "example");

        Assert.Contains("1 unhealthy", await page.EvaluateAsync<string>("describe(nodes.find(n => n.name === 'h100-02'))", Cancellation), StringComparison.Ordinal);
        Assert.True(await page.EvaluateAsync<bool>("nodes.some(n => n.cards.some(c => c[0] === 'm'))", Cancellation));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task It_is_used_by_keyboard_alone()
    {
        await using var service = await RunningService.StartAsync(("Cluster", MadeCluster.Write(_folder, 50)));
        await using var page = await OpenAsync(service, 1280, dark: false);
        const string Where = "document.getElementById('where').textContent";

        await page.EvaluateAsync("document.getElementById('map').focus()", Cancellation);
        await page.PressAsync("Home", Cancellation);
        await page.PressAsync("ArrowRight", Cancellation);
        Assert.StartsWith("node-0001 · rack r000 · 8 × NVIDIA-H100-80GB-HBM3 · 0 free, 8 taken · used by team/train-0-1 (gang team/train-0)", await page.EvaluateAsync<string>(Where, Cancellation), StringComparison.Ordinal);
        await page.PressAsync("ArrowDown", Cancellation);
        Assert.DoesNotContain("node-0001 ", await page.EvaluateAsync<string>(Where, Cancellation), StringComparison.Ordinal);
        await page.PressAsync("ArrowUp", Cancellation);
        Assert.StartsWith("node-0001", await page.EvaluateAsync<string>(Where, Cancellation), StringComparison.Ordinal);
        await page.PressAsync("End", Cancellation);
        Assert.StartsWith("node-0049", await page.EvaluateAsync<string>(Where, Cancellation), StringComparison.Ordinal);
        await page.PressAsync("Enter", Cancellation);
        await page.WaitForAsync("document.activeElement.id === 'node-title' && document.querySelectorAll('#node-rows tr').length === 8", Cancellation);
        await SaveAsync(page, "node");
        await page.PressAsync("Escape", Cancellation);
        await page.WaitForAsync("document.activeElement.id === 'map' && document.getElementById('node-part').hidden", Cancellation);
        await page.PressAsync("/", Cancellation);
        await page.WaitForAsync("document.activeElement.id === 'find'", Cancellation);
        foreach (var key in "train-3")
        {
            await page.PressAsync(key.ToString(), Cancellation);
        }

        await page.WaitForAsync("document.getElementById('found').textContent.endsWith('nodes')", Cancellation);
        Assert.True(await page.EvaluateAsync<int>("parseInt(document.getElementById('found').textContent)", Cancellation) is >= 1 and < 50);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Decisions_are_shown_as_they_happen_and_the_map_follows()
    {
        await using var service = await RunningService.StartAsync(("Cluster", MadeCluster.Write(_folder, 50)));
        await using var page = await OpenAsync(service, 1280, dark: false);
        await page.WaitForAsync("document.getElementById('live').textContent === 'live'", Cancellation);

        await service.PostAsync("filter", Requests.Args(Requests.Pod("new", 2), "node-0003"));
        await service.PostAsync("bind", Requests.Binding("new", "node-0003"));

        await page.WaitForAsync("document.querySelector('#decisions li')?.textContent.startsWith('bind team/pod-new')", Cancellation);
        Assert.Contains("to node-0003, GPU 0, GPU 1", await page.EvaluateAsync<string>("document.querySelector('#decisions li').textContent", Cancellation), StringComparison.Ordinal);
        await page.WaitForAsync("describe(nodes[3]).includes('6 free, 2 taken · used by team/pod-new')", Cancellation);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Hostile_names_are_shown_as_text()
    {
        const string Hostile = "<script>window.owned=1;<img src=x onerror=window.owned=1>\" onload=\"window.owned=1";
        await using var service = await RunningService.StartAsync(("Cluster", MadeCluster.Write(_folder, 3)));
        var cluster = service.Services.GetRequiredService<ClusterState>();
        cluster.UpsertNode(new Testing.NodeBuilder(Hostile).Gpus("<script>window.owned=1</script>", 4).Label("network.topology.nvidia.com/leaf", "<img src=x onerror=window.owned=1>").Build());
        var pod = JsonSerializer.Serialize(new
        {
            metadata = new { name = Hostile, @namespace = "<i>team</i>", uid = "hostile", annotations = new Dictionary<string, string> { ["gpuscheduler.io/gpu-model"] = "<script>window.owned=1</script>" } },
            spec = new { containers = new[] { new { name = "main", resources = new { limits = new Dictionary<string, string> { ["nvidia.com/gpu"] = "8" } } } } },
        });
        await service.PostAsync("filter", Requests.Args(pod, "node-0001", Hostile));
        await using var page = await OpenAsync(service, 1280, dark: false);
        await page.WaitForAsync("document.querySelectorAll('#decisions li').length > 0 && document.querySelectorAll('#waiting li').length > 0", Cancellation);
        await page.EvaluateAsync("select(nodes.findIndex(n => n.name.includes('onload')), false); open(nodes[current].name, true)", Cancellation);
        await page.WaitForAsync("!document.getElementById('node-part').hidden", Cancellation);
        await SaveAsync(page, "hostile");

        Assert.False(await page.EvaluateAsync<bool>("'owned' in window", Cancellation));
        Assert.Equal(0, await page.EvaluateAsync<int>("document.images.length + document.querySelectorAll('i, script:not([src])').length", Cancellation));
        Assert.Equal(Hostile, await page.EvaluateAsync<string>("document.getElementById('node-title').textContent", Cancellation));
        Assert.StartsWith(Hostile, await page.EvaluateAsync<string>("document.getElementById('where').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Contains("<i>team</i>/" + Hostile, await page.EvaluateAsync<string>("document.getElementById('decisions').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Contains("<i>team</i>/" + Hostile, await page.EvaluateAsync<string>("document.getElementById('waiting').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Five_thousand_nodes_are_drawn_in_one_canvas_and_stay_walkable()
    {
        await using var service = await RunningService.StartAsync(("Cluster", MadeCluster.Write(_folder, 5000)));
        var start = Stopwatch.GetTimestamp();
        await using var page = await OpenAsync(service, 1280, dark: false);
        var shown = Stopwatch.GetElapsedTime(start);
        await SaveAsync(page, "large");

        Assert.Equal(5000, await page.EvaluateAsync<int>("nodes.length", Cancellation));
        Assert.InRange(await page.EvaluateAsync<int>("(c => c.width * c.height)(document.getElementById('map'))", Cancellation), 500_000, 16_000_000);
        Assert.InRange(await page.EvaluateAsync<int>("document.querySelectorAll('*').length", Cancellation), 50, 800);
        await page.EvaluateAsync("document.getElementById('map').focus()", Cancellation);
        await page.PressAsync("End", Cancellation);
        await page.PressAsync("ArrowUp", Cancellation);
        Assert.StartsWith("node-49", await page.EvaluateAsync<string>("document.getElementById('where').textContent", Cancellation), StringComparison.Ordinal);

        var plain = (await service.GetAsync("/v1/map")).Body.Length;
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/map") { Headers = { { "Accept-Encoding", "gzip" } } };
        using var zipped = await service.Http.SendAsync(request, Cancellation);
        var bytes = (await zipped.Content.ReadAsByteArrayAsync(Cancellation)).Length;
        Assert.True(plain < 1_000_000 && bytes < 200_000, $"{plain} bytes, {bytes} zipped");
        var times = await page.EvaluateAsync<string>(
            "(() => { const time = f => { const s = performance.now(); for (let i = 0; i < 20; i++) f(); return ((performance.now() - s) / 20).toFixed(1); }; return 'rebuild ' + time(rebuild) + ' ms, draw ' + time(draw) + ' ms, step ' + time(() => select((current + 40) % nodes.length, false)) + ' ms'; })()", Cancellation);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"shown after {shown.TotalMilliseconds:0} ms; {plain} bytes, {bytes} zipped; {times}"));
        Assert.Empty(page.Complaints);
    }

    private static async Task AskAsync(RunningService service)
    {
        string[] nodes = [.. Enumerable.Range(0, 50).Select(i => string.Create(CultureInfo.InvariantCulture, $"node-{i:0000}"))];
        await service.PostAsync("filter", Requests.Args(Requests.Pod("large", 8), nodes.Where((_, i) => i % 5 < 2)));
        await service.PostAsync("filter", Requests.Args(Requests.Pod("small", 2), nodes));
        await service.PostAsync("bind", Requests.Binding("small", "node-0003"));
        await service.PostAsync("filter", Requests.Args(Requests.Pod("odd", new Dictionary<string, string> { ["nvidia.com/gpu"] = "1" }, new Dictionary<string, string> { ["gpuscheduler.io/gpu-model"] = "B200" }), nodes));
        await service.PostAsync("prioritize", Requests.Args(Requests.Pod("next", 3), nodes));
    }

    private async Task<BrowserPage> OpenAsync(RunningService service, int width, bool dark)
    {
        var page = await browser.OpenAsync(service.Addresses[0].ToString(), width, dark, Cancellation);
        await page.WaitForAsync(Drawn, Cancellation);
        return page;
    }

    private static async Task SaveAsync(BrowserPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("PAGE_PICTURES") is { Length: > 0 } folder)
        {
            await File.WriteAllBytesAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, name + ".png"), await page.ScreenshotAsync(Cancellation), Cancellation);
        }
    }
}
