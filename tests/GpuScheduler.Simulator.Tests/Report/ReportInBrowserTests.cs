using GpuScheduler.Simulator.Report;
using GpuScheduler.Testing.Browsing;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

/// <summary>The report as a browser shows it. With REPORT_PICTURES=folder the pages are also left there, and as pictures, to be looked at.</summary>
public sealed class ReportInBrowserTests(ReportBrowser browser) : IClassFixture<ReportBrowser>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("report-").FullName;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(390, false)]
    public async Task It_opens_without_a_complaint_or_a_request_and_no_wider_than_the_screen(int width, bool dark)
    {
        await using var page = await OpenAsync(SampleReport.OneTrace(), width, dark, $"one-trace-{width}-{(dark ? "dark" : "light")}");

        Assert.Empty(page.Complaints);
        Assert.Single(page.Requests, r => !r.StartsWith("data:", StringComparison.Ordinal));
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth", Cancellation));
        // Three charts of load, and two for each of three loads in time.
        Assert.Equal(9, await page.EvaluateAsync<int>("document.querySelectorAll('figure.chart svg[role=img]').length", Cancellation));
        Assert.Equal(10, await page.EvaluateAsync<int>("document.querySelectorAll('#result table.sortable tbody tr').length", Cancellation));
        Assert.Equal(10, await page.EvaluateAsync<int>("document.querySelectorAll('table.bars tbody tr').length", Cancellation));
        var background = await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor", Cancellation);
        Assert.Equal(dark ? "rgb(18, 22, 28)" : "rgb(255, 255, 255)", background);
    }

    [Fact]
    public async Task The_map_has_a_colour_for_every_card_and_is_walked_by_keys()
    {
        await using var page = await OpenAsync(SampleReport.OneTrace(), 1280, dark: false, null);

        // The first two-card node's corner is a card; somewhere on the canvas every class of remainder was painted.
        var colours = await page.EvaluateAsync<int>(
            "(() => { const c = document.querySelector('.map canvas'); const d = new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer); return new Set(d).size; })()", Cancellation);
        Assert.True(colours >= 8, $"{colours} colours");
        await page.EvaluateAsync("document.querySelector('.map canvas').focus()", Cancellation);
        await page.PressAsync("Home", Cancellation);
        await page.PressAsync("ArrowRight", Cancellation);
        var where = await page.EvaluateAsync<string>("document.querySelector('.where').textContent", Cancellation);
        Assert.StartsWith("openb-node-0001 · P100 · ", where, StringComparison.Ordinal);
        Assert.Contains("cores free", where, StringComparison.Ordinal);
        await page.PressAsync("End", Cancellation);
        Assert.StartsWith("openb-node-1212", await page.EvaluateAsync<string>("document.querySelector('.where').textContent", Cancellation), StringComparison.Ordinal);

        await page.EvaluateAsync("document.querySelectorAll('.map fieldset input')[1].click()", Cancellation);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task MIG_devices_and_closed_nodes_are_told()
    {
        await using var page = await OpenAsync(SampleReport.SmallWithMig(), 1280, dark: true, "mig");
        await page.EvaluateAsync("document.querySelector('.map canvas').focus()", Cancellation);
        await page.PressAsync("Home", Cancellation);
        await page.PressAsync("ArrowRight", Cancellation);
        await page.PressAsync("ArrowRight", Cancellation);
        Assert.Contains("MIG 3g.40gb used, 1g.10gb free, 1g.10gb used", await page.EvaluateAsync<string>("document.querySelector('.where').textContent", Cancellation), StringComparison.Ordinal);
        await page.PressAsync("ArrowRight", Cancellation);
        Assert.Contains("rack-a, cordoned", await page.EvaluateAsync<string>("document.querySelector('.where').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Tables_sort_by_keyboard_and_missing_figures_stay_last()
    {
        var model = SampleReport.OneTrace(nodes: 60, policies: 4, seeds: 2);
        var scenario = model.Scenarios[0];
        model = model with { Scenarios = [scenario with { Policies = [.. scenario.Policies.Skip(1), scenario.Policies[0] with { Runs = [] }] }] };
        await using var page = await OpenAsync(model, 1280, dark: false, null);
        const string Order = "[...document.querySelectorAll('#result table.sortable tbody th')].map(h => h.textContent).join()";

        Assert.Equal("FGD,BestFit,DotProduct,Default", await page.EvaluateAsync<string>(Order, Cancellation));
        await page.EvaluateAsync("document.querySelectorAll('#result thead button')[1].focus()", Cancellation);
        await page.PressAsync("Enter", Cancellation);
        Assert.Equal("DotProduct,BestFit,FGD,Default", await page.EvaluateAsync<string>(Order, Cancellation));
        Assert.Equal("descending", await page.EvaluateAsync<string>("document.querySelectorAll('#result thead th')[1].getAttribute('aria-sort')", Cancellation));
    }

    [Fact]
    public async Task A_chart_reads_out_its_values_and_a_legend_hides_a_line()
    {
        await using var page = await OpenAsync(SampleReport.OneTrace(nodes: 60, policies: 3, seeds: 3), 1280, dark: false, null);
        await page.EvaluateAsync("document.querySelector('figure.chart svg[role=img]').focus()", Cancellation);
        await page.PressAsync("End", Cancellation);
        var tip = await page.EvaluateAsync<string>("document.querySelector('figure.chart .tip').textContent", Cancellation);
        Assert.StartsWith("130 %Default96.", tip, StringComparison.Ordinal);
        Assert.Contains("FGD", tip, StringComparison.Ordinal);

        await page.EvaluateAsync("document.querySelectorAll('.legend button')[1].click()", Cancellation);
        await page.PressAsync("End", Cancellation);
        Assert.DoesNotContain("FGD", await page.EvaluateAsync<string>("document.querySelector('figure.chart .tip').textContent", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Five_thousand_nodes_fit_in_a_canvas_and_stay_walkable()
    {
        await using var page = await OpenAsync(SampleReport.OneTrace(nodes: 5000, policies: 2, seeds: 1), 390, dark: false, "large");
        var size = await page.EvaluateAsync<int>("(c => c.width * c.height)(document.querySelector('.map canvas'))", Cancellation);
        Assert.InRange(size, 390 * 1000, 16_000_000);
        await page.EvaluateAsync("document.querySelector('.map canvas').focus()", Cancellation);
        await page.PressAsync("End", Cancellation);
        await page.PressAsync("ArrowUp", Cancellation);
        Assert.StartsWith("openb-node-49", await page.EvaluateAsync<string>("document.querySelector('.where').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task The_theme_can_be_chosen_against_the_system()
    {
        await using var page = await OpenAsync(SampleReport.SmallWithMig(), 1280, dark: false, null);
        await page.EvaluateAsync("document.getElementById('theme').click(); document.getElementById('theme').click()", Cancellation);
        Assert.Equal("rgb(18, 22, 28)", await page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor", Cancellation));
    }

    [Fact]
    public async Task Hostile_names_are_shown_and_never_run()
    {
        const string Hostile = "</script><script>window.owned = true</script><img src=x onerror='window.owned = true'>\"'&";
        await using var page = await OpenAsync(HostileReport.Named(Hostile), 1280, dark: false, "hostile");
        await page.EvaluateAsync("document.querySelector('.map canvas').focus()", Cancellation);
        await page.PressAsync("Home", Cancellation);
        await page.EvaluateAsync("document.querySelector('figure.chart svg[role=img]').focus()", Cancellation);
        await page.PressAsync("End", Cancellation);

        Assert.False(await page.EvaluateAsync<bool>("'owned' in window", Cancellation));
        Assert.Equal(0, await page.EvaluateAsync<int>("document.images.length", Cancellation));
        Assert.Equal(Hostile, await page.EvaluateAsync<string>("document.title", Cancellation));
        Assert.StartsWith(Hostile, await page.EvaluateAsync<string>("document.querySelector('.where').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Contains(Hostile, await page.EvaluateAsync<string>("document.querySelector('figure.chart .tip').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Empty(page.Complaints);
        Assert.Single(page.Requests, r => !r.StartsWith("data:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Scenarios_unfold_when_they_are_linked_to()
    {
        await using var page = await OpenAsync(SampleReport.Traces("default", "gpushare40", "multigpu50"), 1280, dark: false, "traces");
        const string Open = "[...document.querySelectorAll('.scenario > details')].map(d => d.open).join()";
        Assert.Equal("true,false,false", await page.EvaluateAsync<string>(Open, Cancellation));
        await page.EvaluateAsync("new Promise(done => { addEventListener('hashchange', () => setTimeout(done)); location.hash = 'scenario-2'; })", Cancellation);
        Assert.Equal("true,false,true", await page.EvaluateAsync<string>(Open, Cancellation));
    }

    [Theory]
    [MemberData(nameof(AwkwardModels.Names), MemberType = typeof(AwkwardModels))]
    public async Task Awkward_models_are_drawn_without_a_complaint(string name)
    {
        await using var page = await OpenAsync(AwkwardModels.Get(name), 1280, dark: false, "awkward " + name);
        await page.EvaluateAsync("document.querySelectorAll('figure.chart svg[role=img], canvas').forEach(e => { for (const key of ['Home', 'End', 'ArrowUp', 'ArrowRight']) e.dispatchEvent(new KeyboardEvent('keydown', { key })); })", Cancellation);
        await page.EvaluateAsync("document.querySelectorAll('button').forEach(b => b.click())", Cancellation);
        Assert.Empty(page.Complaints);
    }

    private async Task<BrowserPage> OpenAsync(ReportModel model, int width, bool dark, string? picture)
    {
        var path = Path.Combine(_folder, "report.html");
        await using (var file = File.Create(path))
        {
            HtmlReport.Write(file, model);
        }

        var page = await browser.OpenAsync(path, width, dark, Cancellation);
        if (picture is not null && Environment.GetEnvironmentVariable("REPORT_PICTURES") is { Length: > 0 } folder)
        {
            var target = Path.Combine(Directory.CreateDirectory(folder).FullName, picture);
            await File.WriteAllBytesAsync(target + ".png", await page.ScreenshotAsync(Cancellation), Cancellation);
            File.Copy(path, target + ".html", overwrite: true);
        }

        return page;
    }
}
