using GpuScheduler.Simulator.Report;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

public sealed class MarkupTests
{
    [Theory]
    [InlineData("a<b>&\"'", "a&lt;b&gt;&amp;&quot;&#39;")]
    [InlineData("two\nlines\tand a tab", "two\nlines\tand a tab")]
    [InlineData("bell\a and null\0", "bell\uFFFD and null\uFFFD")]
    [InlineData("whole \U0001F600 pair", "whole \U0001F600 pair")]
    [InlineData("gpu\u202Etxt.exe", "gpu\uFFFDtxt.exe")]
    [InlineData("größe", "größe")]
    [InlineData(null, "")]
    public void A_text_in_a_hole_is_escaped(string? text, string written)
    {
        var m = new Markup();
        m.Add($"<p>{text}</p>");
        Assert.Equal($"<p>{written}</p>", m.ToString());
    }

    [Fact]
    public void Half_a_surrogate_pair_is_replaced()
    {
        var m = new Markup();
        m.Add($"{"half \uD83D a pair"}{"\uDE00"}");
        Assert.Equal("half \uFFFD a pair\uFFFD", m.ToString());
    }

    [Fact]
    public void Markup_in_a_hole_is_not_escaped_again()
    {
        var inner = new Markup();
        inner.Add($"<b>{"&"}</b>");
        var outer = new Markup();
        outer.Add($"<p>{inner}</p>");
        Assert.Equal("<p><b>&amp;</b></p>", outer.ToString());
    }

    [Theory]
    [InlineData(1.26, "1.3")]
    [InlineData(-0.01, "0")]
    [InlineData(12345.0, "12345")]
    public void Coordinates_have_a_tenth_and_no_negative_zero(double value, string written)
    {
        var m = new Markup();
        m.Add($"{value}");
        Assert.Equal(written, m.ToString());
    }

    [Fact]
    public void A_coordinate_that_is_no_number_is_a_fault() =>
        Assert.Throws<ArgumentException>(() => new Markup().Add($"{double.NaN}"));

    [Fact]
    public void JSON_cannot_end_its_script_element()
    {
        var m = new Markup();
        m.AddJson(json => json.WriteStringValue("</script><!--"));
        Assert.DoesNotContain('<', m.ToString());
    }
}
