using GpuScheduler.Extender.Tests.Shadow;
using GpuScheduler.Testing.Browsing;
using Xunit;

namespace GpuScheduler.Extender.Tests.Page;

/// <summary>The page at /shadow as a browser shows it. With PAGE_PICTURES=folder pictures are left there.</summary>
public sealed class ShadowPageTests(PageBrowser browser) : IClassFixture<PageBrowser>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1280, false)]
    [InlineData(1280, true)]
    [InlineData(390, false)]
    public async Task It_shows_figures_charts_and_pods_that_were_decided_differently(int width, bool dark)
    {
        await using var service = await ShadowServiceTests.StartAsync("random");
        await ShadowServiceTests.ScheduleAsync(service, 24);
        var shadow = await ShadowServiceTests.WhenAsync(service, s => s.GetProperty("differences").GetArrayLength() > 2 && s.GetProperty("history").GetProperty("time").GetArrayLength() > 3);
        await using var page = await browser.OpenAsync(new Uri(service.Addresses[0], "shadow").ToString(), width, dark, Cancellation);
        await page.WaitForAsync("document.getElementById('status').textContent.startsWith('As of') && document.querySelectorAll('#differences tr').length > 2", Cancellation);
        if (Environment.GetEnvironmentVariable("PAGE_PICTURES") is { Length: > 0 } folder)
        {
            await File.WriteAllBytesAsync(Path.Combine(Directory.CreateDirectory(folder).FullName, $"shadow-{width}-{dark}.png"), await page.ScreenshotAsync(Cancellation), Cancellation);
        }

        Assert.Empty(page.Complaints);
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth", Cancellation));
        Assert.Equal("Figure Cluster Control Shadow Difference", await page.EvaluateAsync<string>("[...document.querySelectorAll('#figures-head th')].map(t => t.textContent).join(' ')", Cancellation));
        Assert.Equal(shadow.GetProperty("figures").GetProperty("shadow").EnumerateObject().Count(), await page.EvaluateAsync<int>("document.querySelectorAll('#figures tr').length", Cancellation));
        Assert.Equal(6, await page.EvaluateAsync<int>("document.querySelectorAll('.charts polyline').length", Cancellation));
        Assert.Contains("now Cluster ", await page.EvaluateAsync<string>("document.querySelector('#chart-idle svg').getAttribute('aria-label')", Cancellation), StringComparison.Ordinal);
        Assert.Contains("team/pod-shadowed-", await page.EvaluateAsync<string>("document.getElementById('differences').textContent", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_shadow_it_says_how_to_have_one()
    {
        await using var service = await RunningService.StartAsync();
        await using var page = await browser.OpenAsync(new Uri(service.Addresses[0], "shadow").ToString(), 1280, false, Cancellation);
        await page.WaitForAsync("document.getElementById('status').textContent.includes('Shadow:Profile')", Cancellation);
        Assert.True(await page.EvaluateAsync<bool>("document.getElementById('figures-part').hidden && document.getElementById('charts-part').hidden", Cancellation));
        Assert.Empty(page.Complaints);
    }

    [Fact]
    public async Task Hostile_names_are_shown_as_text()
    {
        const string Hostile = "<script>window.owned=1;<img src=x onerror=window.owned=1>";
        await using var service = await ShadowServiceTests.StartAsync("random");
        await using var page = await browser.OpenAsync(new Uri(service.Addresses[0], "shadow").ToString(), 1280, false, Cancellation);
        await page.WaitForAsync("document.getElementById('status').textContent.startsWith('As of')", Cancellation);
        await page.EvaluateAsync($"showDifferences({{ comparedWith: 'control', differences: [{{ time: 0, pod: {System.Text.Json.JsonSerializer.Serialize(Hostile)}, gang: {System.Text.Json.JsonSerializer.Serialize(Hostile)}, request: '<i>x</i>', control: '<b>n</b>', shadow: null }}] }})", Cancellation);
        Assert.False(await page.EvaluateAsync<bool>("'owned' in window", Cancellation));
        Assert.Equal(0, await page.EvaluateAsync<int>("document.querySelectorAll('#differences i, #differences b, #differences img, #differences script').length", Cancellation));
        Assert.Contains(Hostile, await page.EvaluateAsync<string>("document.getElementById('differences').textContent", Cancellation), StringComparison.Ordinal);
        Assert.Empty(page.Complaints);
    }
}
