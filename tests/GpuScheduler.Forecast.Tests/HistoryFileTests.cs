using System.Collections.Immutable;
using GpuScheduler.Forecast.History;
using Xunit;

namespace GpuScheduler.Forecast.Tests;

public sealed class HistoryFileTests : IDisposable
{
    private const string Heading = """{"kind":"gpu-scheduler demand history","stepSeconds":300}""";

    private static readonly TimeSpan s_step = TimeSpan.FromMinutes(5);
    private static readonly DateTimeOffset s_now = new(2026, 1, 5, 12, 0, 0, TimeSpan.Zero);
    private static readonly long s_number = DemandSeries.StepOf(s_now, s_step);

    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-forecast-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "demand.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_is_written_is_read_again()
    {
        var history = Empty();
        var file = new HistoryFile(Path);
        Assert.Equal((0, 0), (Load(file, history).Samples, history.Count));
        for (var i = 20; i > 0; i--)
        {
            var sample = Sample(s_number - i, 1.5 * i, ("A100", i), ("H100_or_A100", 0.25));
            history.Add(sample);
            file.Append(sample, history);
        }

        var again = Empty();
        var load = Load(new HistoryFile(Path), again);
        Assert.Equal((20, 0), (load.Samples, load.Notes.Count));
        Assert.Equal(history.Samples.Select(Words), again.Samples.Select(Words));
        Assert.Equal(["A100", "H100_or_A100"], again.Models());
        Assert.Equal(history.Series("A100").Gpus, again.Series("A100").Gpus);
    }

    [Fact]
    public void A_torn_last_line_is_left_out_and_the_next_one_is_whole()
    {
        File.WriteAllText(Path, Lines(Heading, At(-2, 1), """{"at":"2026-01-05T11:"""));
        var (file, history) = (new HistoryFile(Path), Empty());
        var load = Load(file, history);

        Assert.Equal((1, true), (load.Samples, load.EndsTorn));
        Assert.Contains(":3: the last line is torn", Assert.Single(load.Notes), StringComparison.Ordinal);
        history.Add(Sample(s_number - 1, 7));
        file.Append(Sample(s_number - 1, 7), history);
        var again = Empty();
        Assert.Equal(2, Load(new HistoryFile(Path), again).Samples);
        Assert.Equal(7, again.Newest!.Gpus);
    }

    [Fact]
    public void A_file_that_a_crash_ended_in_its_heading_is_ours()
    {
        File.WriteAllText(Path, Heading[..30]);
        var (file, history) = (new HistoryFile(Path), Empty());
        Assert.Single(Load(file, history).Notes);
        history.Add(Sample(s_number, 3));
        file.Append(Sample(s_number, 3), history);

        Assert.Equal(1, Load(new HistoryFile(Path), Empty()).Samples);
    }

    [Theory]
    [InlineData("{\"at\":\"2026-01-05T11:00:00Z\",\"gpus\":-1,\"waiting\":0}")]
    [InlineData("{\"at\":\"2026-01-05T11:00:00Z\",\"gpus\":1e300,\"waiting\":0}")]
    [InlineData("{\"at\":\"yesterday\",\"gpus\":1,\"waiting\":0}")]
    [InlineData("{\"gpus\":1,\"waiting\":0}")]
    [InlineData("{\"at\":\"2026-01-05T11:00:00Z\",\"gpus\":1,\"waiting\":0,\"models\":{\"A\":\"x\"}}")]
    [InlineData("[]")]
    [InlineData("\0\0\0\0")]
    [InlineData("nonsense")]
    public void A_line_that_is_no_sample_is_left_out_by_its_number(string line)
    {
        File.WriteAllText(Path, Lines(Heading, At(-3, 1), line, At(-2, 2)) + "\n");
        var load = Load(new HistoryFile(Path), Empty());

        Assert.Equal(2, load.Samples);
        Assert.Contains(":3: this is no sample", Assert.Single(load.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_of_the_future_are_left_out_and_said_to_be()
    {
        File.WriteAllText(Path, Lines(Heading, At(-1, 1), At(+5, 2), At(+6, 2)) + "\n");
        var load = Load(new HistoryFile(Path), Empty());

        Assert.Equal(1, load.Samples);
        Assert.Contains("2 samples are of the time after 2026-01-05 12:00:00Z", Assert.Single(load.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("apiVersion: v1\nkind: Config\n")]
    [InlineData("{\"kind\":\"Pod\"}\n")]
    [InlineData("\0\u0001\u0002")]
    public void A_file_of_somebody_else_is_refused_and_stays_as_it_is(string text)
    {
        File.WriteAllText(Path, text);
        var e = Assert.Throws<InvalidHistoryException>(() => Load(new HistoryFile(Path), Empty()));

        Assert.Contains("this is no history of demand, and is left as it is: name a file", e.Message, StringComparison.Ordinal);
        Assert.Equal(text, File.ReadAllText(Path));
    }

    [Fact]
    public void What_cannot_be_read_is_said()
    {
        File.WriteAllText(Path, Heading + "\n");
        using var locked = new FileStream(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        var e = Assert.Throws<InvalidHistoryException>(() => Load(new HistoryFile(Path), Empty()));

        Assert.Contains("cannot be read", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Steps_of_another_length_are_converted_and_later_lines_have_their_own()
    {
        File.WriteAllText(Path, Lines("""{"kind":"gpu-scheduler demand history","stepSeconds":600}""", At(-4, 10)) + "\n");
        var (file, history) = (new HistoryFile(Path), Empty());
        Load(file, history);
        Assert.Equal([10, 10], history.Series().Gpus);

        history.Add(Sample(s_number - 2, 20));
        file.Append(Sample(s_number - 2, 20), history);
        var coarse = new DemandHistory(TimeSpan.FromMinutes(20), TimeSpan.FromDays(60));
        new HistoryFile(Path).Load(coarse, DateTimeOffset.MinValue, s_now);
        Assert.Equal(15, Assert.Single(coarse.Samples).Gpus);
        var again = Empty();
        Load(new HistoryFile(Path), again);
        Assert.Equal([10, 10, 20], again.Series().Gpus);
    }

    [Fact]
    public void A_gap_is_a_gap_and_not_no_demand()
    {
        var history = Empty();
        history.Add(Sample(s_number, 5));
        history.Add(Sample(s_number + 3, 6));

        Assert.Equal([5, double.NaN, double.NaN, 6], history.Series().Gpus);
        Assert.Equal([5, double.NaN, double.NaN, 6, double.NaN], history.Series().Until(s_number + 5).Gpus);
    }

    [Fact]
    public void What_is_too_old_goes_and_the_file_does_not_grow_without_end()
    {
        var history = new DemandHistory(s_step, 100 * s_step);
        var file = new HistoryFile(Path);
        Load(file, history);
        for (var i = 0; i < 5000; i++)
        {
            var sample = Sample(s_number - 5000 + i, i);
            history.Add(sample);
            file.Append(sample, history);
        }

        Assert.Equal(100, history.Count);
        Assert.InRange(File.ReadLines(Path).Count(), 100, 1400);
        var again = new DemandHistory(s_step, 100 * s_step);
        Load(new HistoryFile(Path), again);
        Assert.Equal(history.Samples.Select(Words), again.Samples.Select(Words));
    }

    private static DemandHistory Empty() => new(s_step, TimeSpan.FromDays(60));

    private static HistoryLoad Load(HistoryFile file, DemandHistory history) => file.Load(history, DateTimeOffset.MinValue, s_now);

    private static DemandSample Sample(long number, double gpus, params (string, double)[] models) =>
        new(number, gpus, 0.5, models.ToImmutableSortedDictionary(m => m.Item1, m => m.Item2, StringComparer.Ordinal));

    private static string Words(DemandSample sample) => $"{sample.Number} {sample.Gpus} {sample.Waiting} {string.Join(',', sample.Models)}";

    private static string At(int steps, double gpus) => $$"""{"at":"{{s_now + (steps * s_step):yyyy-MM-ddTHH:mm:ssZ}}","gpus":{{gpus}},"waiting":0}""";

    private static string Lines(params string[] lines) => string.Join('\n', lines);
}
