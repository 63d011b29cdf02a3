using System.CommandLine;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Runs;
using Spectre.Console;
using Markup = Spectre.Console.Markup;

namespace GpuScheduler.Simulator.Commands;

/// <summary>The options that say where results go beside the terminal.</summary>
internal sealed class OutputOptions
{
    private readonly Option<string?> _json = new("--json") { Description = "Write the results as JSON, an object a run.", HelpName = "FILE" };
    private readonly Option<string?> _csv = new("--csv") { Description = "Write the results as CSV, a row a run.", HelpName = "FILE" };
    private readonly Option<string?> _html = new("--html") { Description = "Write a report with plots as one HTML file.", HelpName = "FILE" };
    private readonly Option<bool> _curves = new("--curves") { Description = "Put the whole curves into the JSON." };
    private readonly Option<bool> _quiet = new("--quiet") { Description = "No description, progress bar or table; notes and errors only." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in (ReadOnlySpan<Option>)[_json, _csv, _html, _curves, _quiet])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>True when little is to be printed.</summary>
    public bool Quiet(ParseResult parsed) => parsed.GetValue(_quiet);

    /// <summary>True when a report is wanted.</summary>
    public bool WantsHtml(ParseResult parsed) => parsed.GetValue(_html) is not null;

    /// <summary>Complains, before anything is run, about files that cannot be written.</summary>
    public void Check(ParseResult parsed)
    {
        foreach (var option in (ReadOnlySpan<Option<string?>>)[_json, _csv, _html])
        {
            if (parsed.GetValue(option) is { } path && Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && (!Directory.Exists(folder) || Directory.Exists(path)))
            {
                throw new InputException(Directory.Exists(path) ? $"{option.Name} {path} is a folder: give a file" : $"{option.Name} {path}: the folder {folder} does not exist");
            }
        }
    }

    /// <summary>Writes what is asked for, and says so.</summary>
    public void Write(ParseResult parsed, Session session, IReadOnlyList<RunResult> results, RunRecord record, Func<ReportModel> report) =>
        Write(parsed, session, stream => JsonOutput.Write(stream, results, record, parsed.GetValue(_curves)), stream => CsvOutput.Write(stream, results, record), report);

    /// <summary>The same with other results.</summary>
    public void Write(ParseResult parsed, Session session, Action<Stream> json, Action<Stream> csv, Func<ReportModel> report)
    {
        Save(session, parsed.GetValue(_json), json, parsed);
        Save(session, parsed.GetValue(_csv), csv, parsed);
        Save(session, parsed.GetValue(_html), stream => HtmlReport.Write(stream, report()), parsed);
    }

    private void Save(Session session, string? path, Action<Stream> write, ParseResult parsed)
    {
        if (path is null)
        {
            return;
        }

        try
        {
            using var file = new FileStream(path, FileMode.Create);
            write(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path} cannot be written: {e.Message}", e);
        }

        if (!Quiet(parsed))
        {
            session.Console.MarkupLine($"[grey]written:[/] {Markup.Escape(path)}");
        }
    }
}
