using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace GpuScheduler.Forecast.History;

/// <summary>
/// The file of a history: a heading, then a line of JSON a step, the oldest first. Lines are added at the end; when as many have gone out of
/// date as are kept, the file is written anew.
/// </summary>
/// <param name="path">The file.</param>
public sealed class HistoryFile(string path)
{
    private const string Kind = "gpu-scheduler demand history";

    /// <summary>How every file begins.</summary>
    private const string Begin = $"{{\"kind\":\"{Kind}\"";

    /// <summary>A line of more than so many characters is none of ours.</summary>
    private const int LongestLine = 64 * 1024;

    /// <summary>Notes of one file; more would say the same.</summary>
    private const int MostNotes = 8;

    private int _lines;
    private bool _torn;
    private bool _isHeaded;

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>Reads the file into a history; one that is not there is empty. What cannot be used is left out, and said.</summary>
    /// <param name="history">Receives the samples. Steps of another length are converted: longer ones stand for several, of shorter ones the mean is taken.</param>
    /// <param name="from">Samples of the time before are out of date, and left out.</param>
    /// <param name="to">Samples of the time after are left out, and that is said: the present.</param>
    /// <exception cref="InvalidHistoryException">It is no history, or cannot be read.</exception>
    public HistoryLoad Load(DemandHistory history, DateTimeOffset from, DateTimeOffset to)
    {
        ArgumentNullException.ThrowIfNull(history);
        try
        {
            (_lines, _torn, _isHeaded) = (0, false, false);
            return File.Exists(path) ? Read(history, from, to) : new HistoryLoad(0, [], false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidHistoryException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Adds a sample at the end, or where much has gone out of date, writes all anew.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Append(DemandSample sample, DemandHistory history)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(history);
        if (_lines > 2 * history.Count + 1024 || (_torn && _lines == 0))
        {
            // Much has gone out of date, or there is a part of a heading alone.
            Rewrite(history);
            return;
        }

        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 });
        var text = new ArrayBufferWriter<byte>();
        if (_torn)
        {
            text.Write("\n"u8);
        }

        if (!_isHeaded || file.Position == 0)
        {
            WriteHeading(text, history.Step);
        }

        WriteSample(text, sample, history.Step);

        // In one call, so that a crash leaves at most one torn line.
        _torn = true;
        file.Write(text.WrittenSpan);
        (_torn, _isHeaded, _lines) = (false, true, _lines + 1);
    }

    /// <summary>Writes all samples into a new file, and puts it in the place of the old one.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Rewrite(DemandHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        var text = new ArrayBufferWriter<byte>();
        WriteHeading(text, history.Step);
        foreach (var sample in history.Samples)
        {
            WriteSample(text, sample, history.Step);
        }

        var next = path + ".new";
        File.WriteAllBytes(next, text.WrittenSpan.ToArray());
        File.Move(next, path, overwrite: true);
        (_lines, _torn, _isHeaded) = (history.Count, false, true);
    }

    private HistoryLoad Read(DemandHistory history, DateTimeOffset from, DateTimeOffset to)
    {
        var notes = new List<string>();
        var (line, unreadable, future, steps) = (0, 0, 0, TimeSpan.Zero);
        var sums = new SortedDictionary<long, List<DemandSample>>();
        using var reader = new StreamReader(OpenToRead(), Encoding.UTF8);
        CheckBegin();
        while (reader.ReadLine() is { } text)
        {
            line++;
            if (TryReadHeading(text, out var step))
            {
                (steps, _isHeaded) = (step, step == history.Step);
                continue;
            }

            if (text.Length == 0)
            {
                continue;
            }

            if (steps == TimeSpan.Zero || !TryReadSample(text, out var at, out var sample))
            {
                if (unreadable++ < MostNotes)
                {
                    notes.Add(reader.Peek() < 0
                        ? $"{path}:{line}: the last line is torn, as a crash leaves it, and is left out"
                        : $"{path}:{line}: this is no sample, and is left out");
                }

                continue;
            }

            _lines++;
            if (at > to || at < from)
            {
                future += at > to ? 1 : 0;
                continue;
            }

            for (var n = DemandSeries.StepOf(at, history.Step); n == DemandSeries.StepOf(at, history.Step) || DemandSeries.TimeOf(n, history.Step) < at + steps; n++)
            {
                if (!sums.TryGetValue(n, out var all))
                {
                    sums[n] = all = [];
                }

                // Of two lines of one step the later counts.
                if (steps >= history.Step)
                {
                    all.Clear();
                }

                all.Add(sample with { Number = n });
            }
        }

        if (unreadable > MostNotes)
        {
            notes.Add($"{path}: {unreadable - MostNotes} more lines are no samples, and are left out");
        }

        if (future > 0)
        {
            notes.Add($"{path}: {future} samples are of the time after {to:yyyy-MM-dd HH:mm:ssZ}, and are left out: a clock was wrong, or is");
        }

        _torn = line > 0 && !EndsWithNewline();
        foreach (var samples in sums.Values)
        {
            history.Add(Mean(samples));
        }

        return new HistoryLoad(sums.Count, notes, _torn);
    }

    /// <summary>A file of somebody else is never read through, and never written to. One that a crash ended within the heading is ours.</summary>
    private void CheckBegin()
    {
        using var file = OpenToRead();
        var begin = new byte[Begin.Length];
        if (!Begin.StartsWith(Encoding.UTF8.GetString(begin, 0, file.ReadAtLeast(begin, begin.Length, throwOnEndOfStream: false)), StringComparison.Ordinal))
        {
            throw new InvalidHistoryException($"{path}:1: this is no history of demand, and is left as it is: name a file that gpu-scheduler wrote, or one that does not exist yet");
        }
    }

    private FileStream OpenToRead() => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    private bool EndsWithNewline()
    {
        using var file = OpenToRead();
        file.Seek(-1, SeekOrigin.End);
        return file.ReadByte() == '\n';
    }

    private static DemandSample Mean(List<DemandSample> samples) => samples.Count == 1
        ? samples[0]
        : new DemandSample(
            samples[0].Number,
            samples.Average(s => s.Gpus),
            samples.Average(s => s.Waiting),
            samples.SelectMany(s => s.Models).GroupBy(m => m.Key, m => m.Value).ToImmutableSortedDictionary(m => m.Key, m => m.Sum() / samples.Count, StringComparer.Ordinal));

    private static bool TryReadHeading(string text, out TimeSpan step)
    {
        step = default;
        if (text.Length > LongestLine || !text.Contains(Kind, StringComparison.Ordinal))
        {
            return false;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("kind", out var kind) && kind.ValueKind == JsonValueKind.String && kind.GetString() == Kind
                && json.RootElement.TryGetProperty("stepSeconds", out var seconds) && seconds.ValueKind == JsonValueKind.Number && seconds.TryGetDouble(out var value) && value is >= 1 and <= 86_400)
            {
                step = TimeSpan.FromSeconds(value);
                return true;
            }
        }
        catch (JsonException)
        {
            // Not ours.
        }

        return false;
    }

    private static bool TryReadSample(string text, out DateTimeOffset at, out DemandSample sample)
    {
        (at, sample) = (default, null!);
        if (text.Length > LongestLine)
        {
            return false;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("at", out var time) || time.ValueKind != JsonValueKind.String || !time.TryGetDateTimeOffset(out at)
                || !TryReadAmount(root, "gpus", out var gpus) || !TryReadAmount(root, "waiting", out var waiting))
            {
                return false;
            }

            var models = ImmutableSortedDictionary.CreateBuilder<string, double>(StringComparer.Ordinal);
            if (root.TryGetProperty("models", out var list) && list.ValueKind == JsonValueKind.Object)
            {
                foreach (var model in list.EnumerateObject())
                {
                    if (!TryReadAmount(list, model.Name, out var amount))
                    {
                        return false;
                    }

                    models[model.Name] = amount;
                }
            }

            sample = new DemandSample(0, gpus, waiting, models.ToImmutable());
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryReadAmount(JsonElement json, string name, out double amount)
    {
        amount = 0;
        return json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out amount) && amount is >= 0 and <= 1e9;
    }

    private static void WriteHeading(ArrayBufferWriter<byte> to, TimeSpan step)
    {
        using (var json = new Utf8JsonWriter(to))
        {
            json.WriteStartObject();
            json.WriteString("kind", Kind);
            json.WriteNumber("stepSeconds", step.TotalSeconds);
            json.WriteEndObject();
        }

        to.Write("\n"u8);
    }

    private static void WriteSample(ArrayBufferWriter<byte> to, DemandSample sample, TimeSpan step)
    {
        using (var json = new Utf8JsonWriter(to))
        {
            json.WriteStartObject();
            json.WriteString("at", DemandSeries.TimeOf(sample.Number, step).ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture));
            json.WriteNumber("gpus", Math.Round(sample.Gpus, 3));
            json.WriteNumber("waiting", Math.Round(sample.Waiting, 3));
            if (!sample.Models.IsEmpty)
            {
                json.WriteStartObject("models");
                foreach (var (model, gpus) in sample.Models)
                {
                    json.WriteNumber(model, Math.Round(gpus, 3));
                }

                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        to.Write("\n"u8);
    }
}
