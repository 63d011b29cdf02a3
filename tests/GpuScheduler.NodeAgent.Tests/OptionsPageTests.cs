using System.Text.RegularExpressions;
using GpuScheduler.Testing.Documentation;
using Xunit;

namespace GpuScheduler.NodeAgent.Tests;

/// <summary>docs/options.md has the defaults of the agent. (That every switch of the program has a row is tested with the extender's.)</summary>
public sealed partial class OptionsPageTests
{
    [Fact]
    public void Every_switch_that_is_named_as_its_option_has_its_default_in_its_row()
    {
        var rows = MarkdownPage.Read("docs/options.md").Rows("Node agent").ToDictionary(r => MarkdownPage.Word(r[0])!, StringComparer.Ordinal);
        var defaults = new NodeAgentOptions { NodeName = "" };
        var compared = 0;
        foreach (var property in typeof(NodeAgentOptions).GetProperties())
        {
            var name = "--" + Upper().Replace(property.Name, "-$0").TrimStart('-').ToLowerInvariant();
            if (rows.TryGetValue(name, out var row))
            {
                compared++;
                var value = property.GetValue(defaults) switch
                {
                    null or "" => "none",
                    TimeSpan time => FormattableString.Invariant($"{time.TotalSeconds} s"),
                    var other => $"`{other}`",
                };
                Assert.True(row[1] == value, $"docs/options.md, {name}: the row says {row[1]}, the default is {value}");
            }
        }

        Assert.True(compared >= 6, $"{compared} defaults were compared");
    }

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Upper();
}
