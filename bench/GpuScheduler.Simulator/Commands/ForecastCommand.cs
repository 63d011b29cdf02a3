using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using GpuScheduler.Forecast;
using GpuScheduler.Forecast.History;
using GpuScheduler.Simulator.Clusters;
using GpuScheduler.Simulator.Forecasting;
using GpuScheduler.Simulator.Input;
using GpuScheduler.Simulator.Output;
using GpuScheduler.Simulator.Report;
using GpuScheduler.Simulator.Workloads;
using Spectre.Console;
using Markup = Spectre.Console.Markup;

namespace GpuScheduler.Simulator.Commands;

/// <summary>forecast: the back-test of the forecast of GPU demand, on a workload or on the service's own history.</summary>
internal sealed class ForecastCommand
{
    /// <summary>Longest series, in steps: a year of five minutes.</summary>
    private const int MostSteps = 110_000;

    /// <summary>Pods of the first draw, which tells how many it takes for the days that are asked for.</summary>
    private const int FirstDraw = 20_000;

    private readonly Session _session;
    private readonly ClusterOptions _cluster = new();
    private readonly WorkloadOptions _workload;
    private readonly OutputOptions _output = new();
    private readonly Option<string?> _history = new("--history") { Description = "The service's own history (its setting Forecast:Path), in place of a workload.", HelpName = "FILE" };
    private readonly Option<string?> _model = new("--model") { Description = "With --history: of the pods that name this model alone.", HelpName = "MODEL" };
    private readonly Option<string> _step = Text("--step", "TIME", "Length of a step; it must divide a day.", "5m");
    private readonly Option<string> _horizon = Text("--horizon", "TIME", "How far ahead is forecast.", "24h");
    private readonly Option<string> _every = Text("--every", "TIME", "Time between two forecasts, each of which orders capacity.", "15m");
    private readonly Option<string> _lead = Text("--lead", "TIME", "How long capacity takes to come once it is ordered.", "15m");
    private readonly Option<int> _nodeGpus = new("--node-gpus") { Description = "GPUs of a node that is ordered.", HelpName = "GPUS", DefaultValueFactory = _ => 8 };
    private readonly Option<string?> _arrivals = new("--arrivals") { Description = "trace (its own times), poisson (evenly) or daily (by day and week). Default: trace where it has times, else daily.", HelpName = "KIND" };
    private readonly Option<double> _days = new("--days") { Description = "Days of arrivals that are drawn.", HelpName = "DAYS", DefaultValueFactory = _ => 28 };
    private readonly Option<double> _load = new("--load") { Description = "Mean demand of arrivals that are drawn, in % of the cluster.", HelpName = "PERCENT", DefaultValueFactory = _ => 70 };
    private readonly Option<long> _seed = new("--seed") { Description = "Seed of arrivals that are drawn.", HelpName = "SEED", DefaultValueFactory = _ => 1 };

    private ForecastCommand(Session session)
    {
        _session = session;
        _workload = new WorkloadOptions(_cluster);
    }

    /// <summary>The command.</summary>
    public static Command Create(Session session)
    {
        var it = new ForecastCommand(session);
        var command = new Command("forecast", "Back-test of the forecast of GPU demand: how far off it and the baselines are by lead, how often the truth lies within the bounds, and how much capacity is short or idle when it is ordered by the forecast. Without any input on the built-in example with days and weeks.");
        foreach (var option in (ReadOnlySpan<Option>)[it._history, it._model, it._step, it._horizon, it._every, it._lead, it._nodeGpus, it._arrivals, it._days, it._load, it._seed])
        {
            command.Options.Add(option);
        }

        it._cluster.AddTo(command);
        it._workload.AddTo(command);
        it._output.AddTo(command);
        command.SetAction((parsed, cancellation) => Task.Run(() => it.Run(parsed, cancellation), CancellationToken.None));
        return command;
    }

    private static Option<string> Text(string name, string form, string description, string value) => new(name) { Description = description, HelpName = form, DefaultValueFactory = _ => value };

    private int Run(ParseResult parsed, CancellationToken cancellation)
    {
        _output.Check(parsed);
        var step = Time(parsed, _step);
        if (step < TimeSpan.FromSeconds(10) || TimeSpan.FromDays(1).Ticks % step.Ticks != 0)
        {
            throw new InputException($"--step {parsed.GetValue(_step)}: 10 s or more, so many of which make a day, for example 5m");
        }

        var settings = new BackTestSettings(Time(parsed, _horizon), Time(parsed, _every), Time(parsed, _lead), parsed.GetValue(_nodeGpus));
        if (settings.Horizon < step || settings.Horizon > TimeSpan.FromDays(7))
        {
            throw new InputException($"--horizon {parsed.GetValue(_horizon)}: a step to 7d is allowed");
        }

        if (settings.Lead + settings.Every > settings.Horizon)
        {
            throw new InputException("--every and --lead: together no more than --horizon is allowed");
        }

        if (settings.NodeGpus is < 1 or > 1000)
        {
            throw new InputException("--node-gpus: 1 to 1000 is allowed");
        }

        var notes = new List<string>();
        var series = parsed.GetValue(_history) is { } file ? OfHistory(parsed, file, step, notes) : OfWorkload(parsed, step, notes);
        var results = new List<BackTestResult>();
        foreach (var (name, source, demand) in series)
        {
            if (demand.Gpus.Length > MostSteps)
            {
                throw new InputException($"{name}: {demand.Gpus.Length} steps are more than {MostSteps}: choose a longer --step");
            }

            results.Add(BackTest.Run(name, source, demand, settings, cancellation));
        }

        if (!_output.Quiet(parsed))
        {
            foreach (var result in results)
            {
                Show(result);
            }
        }

        _session.Print(notes);
        var record = new RunRecord(_session.CommandLine);
        _output.Write(parsed, _session, stream => ForecastOutput.WriteJson(stream, results, record), stream => ForecastOutput.WriteCsv(stream, results), () => new ReportModel
        {
            Title = $"Forecast of GPU demand: {string.Join(", ", results.Select(r => r.Name))}",
            CommandLine = record.CommandLine,
            Versions = [new("simulator", record.Version), new("runtime", RunRecord.Runtime)],
            Notes = notes,
            Tables = [.. results.SelectMany(Tables)],
        });
        return 0;
    }

    private static TimeSpan Time(ParseResult parsed, Option<string> option) => TimeSpan.FromMilliseconds(Spans.Duration(option.Name, parsed.GetValue(option)!));

    private IEnumerable<(string Name, string Source, DemandSeries Demand)> OfHistory(ParseResult parsed, string path, TimeSpan step, List<string> notes)
    {
        if (!File.Exists(path))
        {
            throw new InputException($"--history {path}: there is no such file; the service writes one with the setting Forecast:Path");
        }

        var history = new DemandHistory(step, step * MostSteps);
        try
        {
            notes.AddRange(new HistoryFile(path).Load(history, DateTimeOffset.MinValue, DateTimeOffset.MaxValue).Notes);
        }
        catch (InvalidHistoryException e)
        {
            throw new InputException(e.Message, e);
        }

        var model = parsed.GetValue(_model);
        if (model is not null && !history.Models().Contains(model))
        {
            throw new InputException($"--model {model}: no pod named it; there are {string.Join(", ", history.Models())}");
        }

        return [(model ?? Path.GetFileNameWithoutExtension(path), $"history {path}", history.Series(model))];
    }

    private List<(string Name, string Source, DemandSeries Demand)> OfWorkload(ParseResult parsed, TimeSpan step, List<string> notes)
    {
        if (parsed.GetValue(_model) is not null)
        {
            throw new InputException("--model goes with --history");
        }

        var facts = new ClusterFacts(_cluster.Read(parsed));
        var kind = parsed.GetValue(_arrivals);
        if (kind is not (null or "trace" or "poisson" or "daily"))
        {
            throw new InputException($"--arrivals {kind} is not known; there are trace, poisson and daily");
        }

        var all = new List<(string, string, DemandSeries)>();
        foreach (var trace in _workload.Read(parsed, facts))
        {
            notes.AddRange(trace.Notes);
            if (!trace.HasDurations)
            {
                notes.Add($"{trace.Name}: pods whose trace does not say how long they run, run {parsed.GetValue(_workload.Duration)}");
            }

            var own = kind == "trace" || (kind is null && trace.HasArrivals);
            var drawn = own ? Draw(parsed, facts, trace, null, null) : Draw(parsed, facts, trace, Days(parsed), parsed.GetValue(_load));
            IReadOnlyList<TimedArrival> arrivals = own || kind == "poisson" ? drawn : DemandOverTime.InDaysAndWeeks(drawn);

            // A Monday at midnight, where the pattern begins.
            var start = own ? trace.Pods.Min(p => p.ArrivalMs) : 4 * 86_400_000L;
            all.Add((trace.Name, $"{trace.Source}, {(own ? "at its own times" : kind == "poisson" ? "drawn evenly" : "drawn by day and week")}; as if there were always room", DemandOverTime.Of(trace, [.. arrivals.OrderBy(a => a.AtMs)], facts, start, step)));
        }

        return all;
    }

    private double Days(ParseResult parsed) => parsed.GetValue(_days) is >= 3 and <= 366 and var days ? days : throw new InputException("--days: 3 to 366 is allowed");

    /// <summary>The arrivals: those of the trace, or as many as it takes for so many days at this load.</summary>
    private ImmutableArray<TimedArrival> Draw(ParseResult parsed, ClusterFacts facts, Trace trace, double? days, double? load)
    {
        var timed = new TimedSettings { Poisson = days is not null, Stationary = days is not null, Count = days is null ? 0 : FirstDraw, DurationMs = Spans.Duration("--duration", parsed.GetValue(_workload.Duration)!) };
        if (load is not (null or (> 0 and <= 1000)))
        {
            throw new InputException("--load: a percentage above 0 and at most 1000 is allowed");
        }

        var drawn = TimedDraw.Draw(trace, facts, load, parsed.GetValue(_seed), timed);
        if (days is { } span)
        {
            var count = FirstDraw * span * 86_400_000 / drawn.SpanMs;
            drawn = TimedDraw.Draw(trace, facts, load, parsed.GetValue(_seed), timed with { Count = count <= 10_000_000 ? (int)count : throw new InputException($"{span} days at {load} % take more than 10000000 pods: choose less") });
        }

        return drawn.Pods;
    }

    private void Show(BackTestResult result)
    {
        var gpus = result.Series.Gpus.Where(g => !double.IsNaN(g)).ToList();
        void Line(string name, string text) => _session.Console.MarkupLine($"[grey]{name,-9}[/] {Markup.Escape(text)}");
        Line("demand", string.Create(CultureInfo.InvariantCulture, $"{result.Name}: {result.Source}"));
        Line("", string.Create(CultureInfo.InvariantCulture, $"{Spans.Show((result.Series.Gpus.Length * result.Series.Step).TotalMilliseconds)} in steps of {Spans.Show(result.Series.Step.TotalMilliseconds)}, {gpus.Average():0.#} GPUs on the mean, {gpus.Max():0.#} at most; {result.Series.Gpus.Length - gpus.Count} steps are not known"));
        Line("forecasts", string.Create(CultureInfo.InvariantCulture, $"{result.Origins}, {result.FitMilliseconds:0} ms each; {result.Changes} of them by other methods than the one before"));
        foreach (var table in Tables(result))
        {
            var shown = ResultTables.NewTable(table.Columns[0]);
            ResultTables.Right(shown, [.. table.Columns.Skip(1)]);
            foreach (var row in table.Rows)
            {
                shown.AddRow([.. row.Select(Markup.Escape)]);
            }

            _session.Console.Write(shown);
        }
    }

    private static IEnumerable<ReportTable> Tables(BackTestResult result)
    {
        string F(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        var spans = result.Rows.Select(r => r.UpTo).Distinct().ToList();
        string To(TimeSpan span) => "to " + Spans.Show(span.TotalMilliseconds);
        yield return new ReportTable
        {
            Title = $"{result.Name}: error by lead",
            Caption = "Mean absolute error in GPUs, and, after the bar, over the mean change of demand from one day to the next (MASE). Below 1 is better than yesterday's demand at the same time was on the whole.",
            Columns = ["method", .. spans.Select(To)],
            Rows = [.. result.Rows.GroupBy(r => r.Method).Select(g => (IReadOnlyList<string>)[g.Key, .. spans.Select(s => g.FirstOrDefault(r => r.UpTo == s) is { } row ? $"{F(row.Mae, "0.0")} | {F(row.Mase, "0.00")}" : "")])],
        };
        yield return new ReportTable
        {
            Title = $"{result.Name}: method used, % of the time",
            Caption = "The one with the least error so far ahead until then, or the last value where none was clearly better.",
            Columns = ["method used, %", .. spans.Select(To)],
            Rows = [.. result.Rows.Where(r => r.Method != BackTest.Chosen).GroupBy(r => r.Method).Select(g => (IReadOnlyList<string>)[g.Key, .. spans.Select(s => g.FirstOrDefault(r => r.UpTo == s) is { } row ? F(100 * row.Used, "0") : "")])],
        };
        yield return new ReportTable
        {
            Title = $"{result.Name}: how often the truth lies within the bounds",
            Caption = $"They are made for {Forecaster.Confidence * 100:0} %.",
            Columns = ["bounds", .. spans.Select(To)],
            Rows = [["truth within, %", .. spans.Select(s => result.Rows.FirstOrDefault(r => r.UpTo == s && r.Coverage is not null) is { } row ? F(100 * row.Coverage!.Value, "0.0") : "")]],
        };
        yield return new ReportTable
        {
            Title = $"{result.Name}: capacity",
            Caption = "GPU-hours, when whole nodes are ordered and given back with the lead.",
            Columns = ["capacity follows", "demanded", "short", "% of demand", "idle", "% of demand", "time short, %"],
            Rows =
            [
                .. result.Capacity.Select(c => (IReadOnlyList<string>)
                [
                    c.Way, F(c.DemandedGpuHours, "0"), F(c.ShortGpuHours, "0"), F(100 * c.ShortGpuHours / Math.Max(1e-9, c.DemandedGpuHours), "0.00"),
                    F(c.IdleGpuHours, "0"), F(100 * c.IdleGpuHours / Math.Max(1e-9, c.DemandedGpuHours), "0.0"), F(100 * c.ShortShare, "0.0"),
                ]),
            ],
        };
    }
}
