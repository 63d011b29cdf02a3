using System.Text.RegularExpressions;
using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>docs/options.md has every setting of the agent with its default. (That the switches are those of the program is tested with the extender's.)</summary>
public sealed partial class OptionsPageTests
{
    [Fact]
    public void Every_option_has_a_row_with_its_default()
    {
        var rows = MarkdownPage.Read("docs/options.md").Rows("Node agent").ToDictionary(r => MarkdownPage.Word(r[0])!, StringComparer.Ordinal);
        var defaults = new NodeAgentOptions { NodeName = "" };
        foreach (var property in typeof(NodeAgentOptions).GetProperties().Where(p => p.SetMethod is not null && p.Name is not nameof(NodeAgentOptions.Writes)))
        {
            var name = "--" + Upper().Replace(property.Name, "-$0").TrimStart('-').ToLowerInvariant();
            var value = property.GetValue(defaults) switch
            {
                null or "" => "none",
                TimeSpan time => FormattableString.Invariant($"{time.TotalSeconds} s"),
                var other => $"`{other}`",
            };
            Assert.True(rows.TryGetValue(name, out var row), $"docs/options.md lacks this row below \"Node agent\": | `{name}` | {value} | WHAT IT DOES |");
            Assert.True(row[1] == value, $"docs/options.md, {name}: the row says {row[1]}, the default is {value}");
        }
    }

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Upper();
}
