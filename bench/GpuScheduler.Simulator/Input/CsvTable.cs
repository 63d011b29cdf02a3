using System.Globalization;
using CsvHelper;

namespace GpuScheduler.Simulator.Input;

/// <summary>A CSV file with a header, read forward. Every complaint names the file and the line.</summary>
internal sealed class CsvTable : IDisposable
{
    private static readonly CsvReaderOptions s_options = CsvReaderOptions.Default with
    {
        Separator = ',',
        TrackLineNumbers = true,
        PoolStrings = true,
        TrimWhitespace = true,
        MalformedData = CsvMalformedDataHandling.Throw,
    };

    private readonly string _path;
    private readonly CsvReader _csv;

    private CsvTable(string path, CsvReader csv)
    {
        _path = path;
        _csv = csv;
    }

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it should be, for the message when it is not there.</param>
    public static CsvTable Open(string path, string what)
    {
        CsvReader? csv = null;
        try
        {
            csv = CsvReader.FromFile(path, s_options);
            csv.ReadHeader();
            return new CsvTable(path, csv);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            csv?.Dispose();
            throw new InputException($"{path}: {what} cannot be read: {e.Message}", e);
        }
        catch (CsvFormatException e)
        {
            csv?.Dispose();
            throw new InputException($"{path}:1: this is not a CSV file: {e.Message}", e);
        }
    }

    /// <summary>The names of the columns.</summary>
    public IReadOnlyCollection<string> Columns => [.. _csv.Headers];

    /// <summary>True when the file has all of these columns.</summary>
    public bool Has(params ReadOnlySpan<string> columns)
    {
        foreach (var column in columns)
        {
            if (!_csv.TryGetFieldIndex(column, out _))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Position of a column that must be there.</summary>
    public int Column(string name) => _csv.TryGetFieldIndex(name, out var index)
        ? index
        : throw new InputException($"{_path}:1: column {name} is missing; the file has {string.Join(", ", Columns)}");

    /// <summary>Position of a column, or -1.</summary>
    public int ColumnIfAny(string name) => _csv.TryGetFieldIndex(name, out var index) ? index : -1;

    /// <summary>Moves to the next row; false at the end.</summary>
    public bool Next()
    {
        try
        {
            return _csv.Read();
        }
        catch (CsvFormatException e)
        {
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{_path}:{e.LineNumber}: {e.Message}"), e);
        }
    }

    /// <summary>A text; empty when the column is absent (-1) or the row is short.</summary>
    public string Text(int column) => column < 0 ? "" : _csv.GetString(column);

    /// <summary>A whole number from 0 to <paramref name="most"/>.</summary>
    public long Whole(int column, long most = int.MaxValue) =>
        long.TryParse(Text(column), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= 0 && number <= most
            ? number
            : throw Wrong(column, string.Create(CultureInfo.InvariantCulture, $"a whole number from 0 to {most} is allowed"));

    /// <summary>A number, 0 or more, possibly with a fraction.</summary>
    public double Number(int column) =>
        double.TryParse(Text(column), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && number >= 0
            ? number
            : throw Wrong(column, "a number of 0 or more is allowed");

    /// <summary>Milliseconds since 1970 of a date and time such as 2017-10-09 07:01:55, taken as UTC.</summary>
    public long UnixMilliseconds(int column) =>
        DateTime.TryParse(Text(column), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? new DateTimeOffset(time, TimeSpan.Zero).ToUnixTimeMilliseconds()
            : throw Wrong(column, "a time such as 2017-10-09 07:01:55 is allowed");

    /// <summary>The complaint about a field of the current row.</summary>
    public InputException Wrong(int column, string allowed) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{_path}:{_csv.LineNumber}: {(column < 0 ? "a column" : _csv.Headers[column])} is \"{Text(column)}\": {allowed}"));

    /// <inheritdoc/>
    public void Dispose() => _csv.Dispose();
}
