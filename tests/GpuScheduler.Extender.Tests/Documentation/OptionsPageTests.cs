using System.Globalization;
using System.Text.RegularExpressions;
using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.Extender.Tests.Documentation;

/// <summary>docs/options.md has every setting, with its default and its limits, and every switch.</summary>
public sealed partial class OptionsPageTests
{
    private static readonly MarkdownPage s_page = MarkdownPage.Read("docs/options.md");
    private static readonly Dictionary<string, Setting> s_settings = Setting.Of(new ExtenderOptions()).ToDictionary(s => s.Path, StringComparer.Ordinal);

    /// <summary>Rows of the extender's settings, by setting: default, what is allowed, what it does.</summary>
    private static readonly ILookup<string, string[]> s_rows = s_page.Rows("Extender").ToLookup(r => MarkdownPage.Word(r[0]) ?? r[0], StringComparer.Ordinal);

    [Fact]
    public void Every_setting_has_a_row()
    {
        var missing = s_settings.Values.Where(s => !s_rows.Contains(s.Path)).Select(s => $"| `{s.Path}` | {s.Text} | ALLOWED | WHAT IT DOES |").ToList();
        Assert.True(missing.Count == 0, $"docs/options.md lacks these rows below \"Extender\":\n{string.Join('\n', missing)}");
    }

    [Fact]
    public void Every_row_is_a_setting_and_there_once()
    {
        var wrong = s_rows.Where(r => !s_settings.ContainsKey(r.Key)).Select(r => $"{r.Key} is no setting of ExtenderOptions")
            .Concat(s_rows.Where(r => r.Count() > 1).Select(r => $"{r.Key} has {r.Count()} rows"))
            .Concat(s_rows.SelectMany(r => r).Where(r => r.Length != 4 || r[3].Length < 10).Select(r => $"{r[0]}: four cells are expected, setting, default, allowed and what it does, and the last must say something"))
            .ToList();
        Assert.True(wrong.Count == 0, $"docs/options.md, below \"Extender\":\n{string.Join('\n', wrong)}");
    }

    [Fact]
    public void Every_default_is_as_the_row_says()
    {
        var wrong = s_settings.Values.Where(s => s_rows.Contains(s.Path)).Select(s => (Setting: s, Said: s_rows[s.Path].First()[1]))
            .Where(p => p.Said != p.Setting.Text && !(p.Setting.Default is TimeSpan time && Setting.TryReadTime(p.Said, out var said) && said == time))
            .Select(p => $"{p.Setting.Path}: the row says {p.Said}, the default is {p.Setting.Text}")
            .ToList();
        Assert.True(wrong.Count == 0, $"docs/options.md, below \"Extender\":\n{string.Join('\n', wrong)}");
    }

    [Fact]
    public void What_is_outside_the_limits_of_a_row_is_refused_and_the_limits_are_allowed()
    {
        var wrong = new List<string>();
        var checks = 0;
        foreach (var setting in s_settings.Values.Where(s => s_rows.Contains(s.Path)))
        {
            foreach (var (value, allowed) in Edges(setting.Type, s_rows[setting.Path].First()[2]))
            {
                checks++;
                var path = setting.Path.Replace(":NAME", ":some", StringComparison.Ordinal);
                var problems = ExtenderOptionsValidator.Validate(With(path, value)).Where(p => p.StartsWith($"{path} is ", StringComparison.Ordinal)).ToList();
                if (allowed != (problems.Count == 0))
                {
                    wrong.Add($"{setting.Path}: {Convert.ToString(value, CultureInfo.InvariantCulture)} should be {(allowed ? "allowed" : "refused")} by what the row says, \"{s_rows[setting.Path].First()[2]}\", and is not{string.Concat(problems.Select(p => ": " + p))}");
                }
            }
        }

        Assert.True(checks > 100, $"{checks} checks: the limits are not read any more");
        Assert.True(wrong.Count == 0, $"docs/options.md, below \"Extender\":\n{string.Join('\n', wrong)}");
    }

    [Theory]
    [InlineData("Command line of the extender", "extender/GpuScheduler.Extender/Program.cs")]
    [InlineData("Node agent", "extender/GpuScheduler.NodeAgent/Program.cs")]
    [InlineData("kubectl gpu", "extender/GpuScheduler.Kubectl")]
    [InlineData("Simulator", "bench/GpuScheduler.Simulator/Commands")]
    public void Every_switch_of_a_program_has_a_row_and_no_other_has(string heading, string sources)
    {
        var full = Path.Combine(Repository.Root, sources);
        var files = File.Exists(full) ? [full] : Directory.GetFiles(full, "*.cs", SearchOption.AllDirectories).Where(f => !f.Contains("/obj/", StringComparison.Ordinal));
        var switches = files.SelectMany(f => Switch().Matches(File.ReadAllText(f))).Select(m => m.Groups[1].Value).Distinct().Order(StringComparer.Ordinal).ToList();
        var rows = s_page.Rows(heading).Select(r => MarkdownPage.Word(r[0])!).Order(StringComparer.Ordinal).ToList();

        Assert.True(switches.Count > 5, $"{switches.Count} switches");
        Assert.True(switches.SequenceEqual(rows), $"docs/options.md, below \"{heading}\", lacks {string.Join(", ", switches.Except(rows))} and has too much {string.Join(", ", rows.Except(switches))}");
    }

    /// <summary>The limits that a text such as "100 ms to 1 h" names, with what is just beyond them. What is not understood is left out.</summary>
    private static IEnumerable<(object Value, bool Allowed)> Edges(Type type, string text)
    {
        var match = Span().Match(text);
        var (low, high) = match.Success ? (match.Groups[1].Value, match.Groups[2].Value) : text.StartsWith("0 or more", StringComparison.Ordinal) ? ("0", "") : ("", "");
        if (type == typeof(TimeSpan))
        {
            var one = TimeSpan.FromMilliseconds(1);
            if (Setting.TryReadTime(low, out var least))
            {
                yield return (least, true);
                yield return (least - one, false);
            }

            if (Setting.TryReadTime(high, out var most))
            {
                yield return (most, true);
                yield return (most + one, false);
            }
        }
        else if (type == typeof(int) || type == typeof(double))
        {
            object Number(double value) => type == typeof(int) ? (object)(int)value : value;
            var one = type == typeof(int) ? 1 : 0.001;
            if (double.TryParse(low, CultureInfo.InvariantCulture, out var least))
            {
                yield return (Number(least), true);
                yield return (Number(least - one), false);
            }

            if (double.TryParse(high, CultureInfo.InvariantCulture, out var most))
            {
                yield return (Number(most), true);
                yield return (Number(most + one), false);
            }
        }
    }

    /// <summary>Options with everything switched on that is checked only then, and one setting changed.</summary>
    private static ExtenderOptions With(string path, object value)
    {
        var options = new ExtenderOptions { Mig = { Enabled = true }, LeaderElection = { Enabled = true, Namespace = "some" }, Otlp = { Endpoint = "http://127.0.0.1:4317" }, Forecast = { Enabled = true }, Shadow = { Profile = "x" } };
        object at = options;
        var steps = path.Split(':');
        for (var i = 0; i < steps.Length; i++)
        {
            if (at is System.Collections.IDictionary named)
            {
                at = named[steps[i]] ??= Activator.CreateInstance(at.GetType().GenericTypeArguments[1])!;
            }
            else if (i < steps.Length - 1)
            {
                at = at.GetType().GetProperty(steps[i])!.GetValue(at)!;
            }
            else
            {
                at.GetType().GetProperty(steps[i])!.SetValue(at, value);
            }
        }

        return options;
    }

    [GeneratedRegex(@"^([^,]+?) to ([^,;(]+)")]
    private static partial Regex Span();

    [GeneratedRegex(@"(?:new(?: Option<[^>]+>)?|Many)\(""(--[a-z-]+)""")]
    private static partial Regex Switch();
}
