using System.Globalization;
using CsCheck;
using GpuScheduler.Core.Requests;
using Xunit;

namespace GpuScheduler.Core.Tests.Requests;

public class QuantityTests
{
    // From the test tables of apimachinery's resource.Quantity.
    [Theory]
    [InlineData("0", "0")]
    [InlineData("0n", "0")]
    [InlineData("0m", "0")]
    [InlineData("0Ki", "0")]
    [InlineData("1", "1")]
    [InlineData("+1", "1")]
    [InlineData("-1", "-1")]
    [InlineData("1.0", "1")]
    [InlineData("1.", "1")]
    [InlineData(".5", "0.5")]
    [InlineData("-.5", "-0.5")]
    [InlineData("00042", "42")]
    [InlineData("10n", "0.00000001")]
    [InlineData("10u", "0.00001")]
    [InlineData("100m", "0.1")]
    [InlineData("-100m", "-0.1")]
    [InlineData("1k", "1000")]
    [InlineData("50M", "50000000")]
    [InlineData("17G", "17000000000")]
    [InlineData("4T", "4000000000000")]
    [InlineData("3P", "3000000000000000")]
    [InlineData("1E", "1000000000000000000")]
    [InlineData("1Ki", "1024")]
    [InlineData("8Mi", "8388608")]
    [InlineData("16Gi", "17179869184")]
    [InlineData("1.5Gi", "1610612736")]
    [InlineData("7Ti", "7696581394432")]
    [InlineData("6Pi", "6755399441055744")]
    [InlineData("5Ei", "5764607523034234880")]
    [InlineData("1e3", "1000")]
    [InlineData("1E3", "1000")]
    [InlineData("1e+3", "1000")]
    [InlineData("5e-3", "0.005")]
    [InlineData("12e6", "12000000")]
    [InlineData("10.035M", "10035000")]
    [InlineData("1e0", "1")]
    public void A_quantity_that_Kubernetes_writes_is_read_as_it_means(string text, string value)
    {
        Assert.True(Quantity.TryParse(text, out var read));
        Assert.Equal(decimal.Parse(value, CultureInfo.InvariantCulture), read);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("+")]
    [InlineData("-")]
    [InlineData(".")]
    [InlineData("--1")]
    [InlineData("+-1")]
    [InlineData("1-")]
    [InlineData("1.1.M")]
    [InlineData("1+1.0M")]
    [InlineData("0.1mi")]
    [InlineData("0.1am")]
    [InlineData("aoeu")]
    [InlineData(".5i")]
    [InlineData("1i")]
    [InlineData("-3.01i")]
    [InlineData("-3.01e-")]
    [InlineData("1e")]
    [InlineData("1e+")]
    [InlineData("1e1.5")]
    [InlineData("1e 3")]
    [InlineData(" 1")]
    [InlineData("1 ")]
    [InlineData("1 Gi")]
    [InlineData("1Gi ")]
    [InlineData("1gi")]
    [InlineData("1GI")]
    [InlineData("1GiB")]
    [InlineData("1GB")]
    [InlineData("1K")]
    [InlineData("1,000")]
    [InlineData("1_000")]
    [InlineData("0x10")]
    [InlineData("1e99999999999")]
    [InlineData("1e400")]
    [InlineData("NaN")]
    [InlineData("Infinity")]
    [InlineData("١")]
    public void What_Kubernetes_refuses_is_refused(string text) => Assert.False(Quantity.TryParse(text, out _));

    [Theory]
    [InlineData("8", 8)]
    [InlineData("2k", 2000)]
    [InlineData("1e1", 10)]
    [InlineData("8.0", 8)]
    [InlineData("8000m", 8)]
    [InlineData("2147483647", int.MaxValue)]
    public void A_count_is_a_whole_number(string text, int count)
    {
        Assert.True(Quantity.TryParseCount(text, out var read));
        Assert.Equal(count, read);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("500m")]
    [InlineData("-1")]
    [InlineData("2147483648")]
    [InlineData("9Ei")]
    [InlineData("one")]
    public void Parts_negatives_and_absurd_numbers_are_no_counts(string text) => Assert.False(Quantity.TryParseCount(text, out _));

    [Theory]
    [InlineData("1", 1000)]
    [InlineData("100m", 100)]
    [InlineData("1u", 1)]
    [InlineData("0.0001", 1)]
    [InlineData("1.0001", 1001)]
    [InlineData("9Ei", long.MaxValue)]
    [InlineData("9223372036854774", 9223372036854774000)]
    public void Cpu_is_rounded_up_to_thousandths_and_saturates(string text, long milli)
    {
        Assert.True(Quantity.TryParseMilli(text, out var read));
        Assert.Equal(milli, read);
    }

    [Theory]
    [InlineData("100m", 1)]
    [InlineData("1.5", 2)]
    [InlineData("1Ki", 1024)]
    [InlineData("9Ei", long.MaxValue)]
    [InlineData("8Ei", long.MaxValue)]
    [InlineData("7Ei", 8070450532247928832)]
    public void Bytes_are_rounded_up_and_saturate(string text, long bytes)
    {
        Assert.True(Quantity.TryParseBytes(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Fact]
    public void Negative_amounts_are_neither_cpu_nor_bytes()
    {
        Assert.False(Quantity.TryParseMilli("-1", out _));
        Assert.False(Quantity.TryParseBytes("-1Ki", out _));
    }

    [Fact]
    public void No_text_makes_it_throw() =>
        Gen.Char["0123456789.+-eEmkMGTPiunK ×"].Array[0, 40].Select(c => new string(c)).Sample(text =>
        {
            var parsed = Quantity.TryParse(text, out var value);
            Assert.True(parsed || !(Quantity.TryParseCount(text, out _) || Quantity.TryParseMilli(text, out _) || Quantity.TryParseBytes(text, out _)));
            Assert.Equal(parsed && value >= 0, Quantity.TryParseMilli(text, out var milli) && milli >= 0);
            Assert.Equal(parsed && value >= 0, Quantity.TryParseBytes(text, out var bytes) && bytes >= 0);
        });
}
