using System.Text.RegularExpressions;
using GpuScheduler.Simulator.Report;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

public sealed partial class HtmlReportTests
{
    [Fact]
    public void The_same_model_gives_the_same_bytes() =>
        Assert.Equal(HtmlReport.Render(SampleReport.OneTrace(policies: 3, seeds: 2)), HtmlReport.Render(SampleReport.OneTrace(policies: 3, seeds: 2)));

    [Fact]
    public void What_is_written_is_UTF_8_with_plain_line_ends_and_no_byte_order_mark()
    {
        using var stream = new MemoryStream();
        HtmlReport.Write(stream, SampleReport.SmallWithMig());
        var bytes = stream.ToArray();
        Assert.Equal("<!DOCTYPE html>"u8, bytes.AsSpan(0, 15));
        Assert.DoesNotContain((byte)'\r', bytes);
    }

    [Fact]
    public void It_names_its_command_line_versions_seeds_and_notes()
    {
        var model = SampleReport.OneTrace(policies: 2, seeds: 2) with { GeneratedAt = new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero) };
        var html = HtmlReport.Render(model);
        Assert.Contains("--seeds 42-43 --html report.html", html, StringComparison.Ordinal);
        Assert.Contains("<dt>Simulator</dt><dd>0.1.0</dd>", html, StringComparison.Ordinal);
        Assert.Contains("<dt>Seeds</dt><dd>42, 43</dd>", html, StringComparison.Ordinal);
        Assert.Contains("2026-03-04 05:06:07 +00:00", html, StringComparison.Ordinal);
        Assert.Contains("drawn by the tool&#39;s own generator", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_time_it_has_none() =>
        Assert.DoesNotContain("+00:00", HtmlReport.Render(SampleReport.SmallWithMig()), StringComparison.Ordinal);

    [Fact]
    public void Names_cannot_add_an_element()
    {
        static IEnumerable<string> Tags(string html) => Element().Matches(html).Select(m => m.Value);

        var plain = HtmlReport.Render(HostileReport.Named("name"));
        var hostile = HtmlReport.Render(HostileReport.Named("<script>alert(1)</script><img src=x onerror=alert(1)>\"'><b>"));
        Assert.Equal(Tags(plain), Tags(hostile));
        Assert.DoesNotContain("<script>alert", hostile, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_outside_is_referred_to()
    {
        var html = HtmlReport.Render(SampleReport.OneTrace(policies: 2, seeds: 2));
        Assert.All(Reference().Matches(html).Select(m => m.Groups[1].Value), r => Assert.True(r.StartsWith('#') || r == "data:,", r));
        // The only address is a name: that of the SVG namespace, for elements that the script makes.
        Assert.DoesNotContain("://", html.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void The_ratio_is_to_the_better_of_the_baselines_on_the_mean_of_the_seeds()
    {
        var model = Fill(("own", [90, 110]), ("fgd", [100, 300]), ("firstfit", [150, 170]));
        var html = HtmlReport.Render(model);
        Assert.Contains("vs better of fgd, firstfit", html, StringComparison.Ordinal);
        Assert.Contains(">× 0.625<", html, StringComparison.Ordinal);
        Assert.Contains(">× 1.250<", html, StringComparison.Ordinal);
        Assert.Contains("<dt>Compared with firstfit</dt><dd>× 0.63</dd>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_baseline_there_is_no_ratio()
    {
        var html = HtmlReport.Render(Fill(("own", [90]), ("bestfit", [100])));
        Assert.DoesNotContain("vs ", html, StringComparison.Ordinal);
        Assert.DoesNotContain("×", html.Split("<header>")[1], StringComparison.Ordinal);
    }

    [Fact]
    public void The_bound_is_told_in_idle_GPUs()
    {
        var model = Fill(("own", [90]), ("fgd", [100]));
        model = model with { Scenarios = [model.Scenarios[0] with { Gpus = 1000, Bounds = [new(130, 93, "a relaxation")] }] };
        var html = HtmlReport.Render(model);
        Assert.Contains("70.0 are idle at the upper bound", html, StringComparison.Ordinal);
        Assert.Contains("<dt>More than at the bound</dt><dd>20.0 GPUs</dd>", html, StringComparison.Ordinal);
        Assert.Contains("Upper bound: a relaxation", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_policy_keeps_its_colour_in_every_scenario()
    {
        var model = SampleReport.Traces("a", "b");
        var html = HtmlReport.Render(model with { Scenarios = [model.Scenarios[0], model.Scenarios[1] with { Policies = [.. model.Scenarios[1].Policies.Reverse()] }] });
        var classes = Regex.Matches(html, "<g class=\"series (c\\d)\" data-policy=\"\\d+\" clip-path=\"[^\"]*\"><title>FGD</title>").Select(m => m.Groups[1].Value).ToArray();
        Assert.Equal(6, classes.Length);
        Assert.Single(classes.Distinct());
    }

    [Theory]
    [MemberData(nameof(AwkwardModels.Names), MemberType = typeof(AwkwardModels))]
    public void Awkward_models_give_a_page_without_broken_numbers(string name)
    {
        var html = HtmlReport.Render(AwkwardModels.Get(name));
        Assert.EndsWith("</html>\n", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("=\"[^\"]*(NaN|∞|Infinity)", html);
    }

    [Fact]
    public void A_card_that_uses_more_than_it_has_is_refused()
    {
        var model = Fill(("own", [1]));
        var policy = model.Scenarios[0].Policies[0] with { Map = new ClusterMap { Seed = 1, Nodes = [new MapNode { Name = "n", Cards = [new MapCard(1001)] }] } };
        model = model with { Scenarios = [model.Scenarios[0] with { Policies = [policy] }] };
        Assert.Throws<ArgumentOutOfRangeException>(() => HtmlReport.Render(model));
    }

    private static ReportModel Fill(params (string Id, double[] Idle)[] policies) => new()
    {
        Title = "t",
        CommandLine = "c",
        Scenarios =
        [
            new ReportScenario
            {
                Name = "s",
                Policies = [.. policies.Select(p => new ReportPolicy { Id = p.Id, Name = p.Id, Own = p.Id == "own", Runs = [.. p.Idle.Select((idle, i) => new ReportRun { Seed = i, IdleGpusAtEnd = idle })] })],
            },
        ],
    };

    [GeneratedRegex("<[a-z/!][a-z0-9]*", RegexOptions.IgnoreCase)]
    private static partial Regex Element();

    [GeneratedRegex("(?:href|src|xlink:href|url)\\s*[=(]\\s*[\"']?([^\"')\\s>]+)")]
    private static partial Regex Reference();
}
