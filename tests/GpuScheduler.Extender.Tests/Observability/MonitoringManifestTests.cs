using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace GpuScheduler.Extender.Tests.Observability;

/// <summary>Alerts and dashboard use what is documented.</summary>
public sealed partial class MonitoringManifestTests
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "manifests", "monitoring");
    private static readonly string s_rules = File.ReadAllText(Path.Combine(s_folder, "rules.yaml"));

    /// <summary>The expressions of all panels.</summary>
    internal static IReadOnlyList<string> DashboardQueries()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_folder, "dashboard.json")));
        return
        [
            .. dashboard.RootElement.GetProperty("panels").EnumerateArray().Where(p => p.TryGetProperty("targets", out _))
                .SelectMany(p => p.GetProperty("targets").EnumerateArray().Select(t => t.GetProperty("expr").GetString()!)),
        ];
    }

    [Fact]
    public void The_dashboard_and_the_alerts_use_documented_metrics_alone()
    {
        var queries = DashboardQueries().Concat(Expression().Matches(s_rules).Select(m => m.Groups[1].Value)).ToList();
        Assert.True(queries.Count > 40);
        Assert.All(queries, q => Assert.NotEmpty(MetricCatalogue.NamesIn(q)));
        Assert.Empty(queries.SelectMany(MetricCatalogue.NamesIn).Except(MetricCatalogue.Documented.Keys));
    }

    [Fact]
    public void Every_documented_metric_is_on_the_dashboard() =>
        Assert.Empty(MetricCatalogue.Documented.Keys.Except(DashboardQueries().SelectMany(MetricCatalogue.NamesIn)));

    [Fact]
    public void The_object_for_the_operator_has_the_rules_of_the_file()
    {
        var spec = File.ReadAllText(Path.Combine(s_folder, "prometheusrule.yaml")).Split("\nspec:\n")[1];
        var rules = string.Concat(s_rules.Split('\n').SkipWhile(l => l != "groups:").Where(l => l.Length > 0).Select(l => $"  {l}\n"));
        Assert.Equal(rules, spec);
    }

    [Fact]
    public void Every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not()
    {
        var tests = File.ReadAllText(Path.Combine(s_folder, "rules.test.yaml"));
        var alerts = Alert().Matches(s_rules).Select(m => m.Groups[1].Value).ToList();
        Assert.True(alerts.Count > 10);
        var healthy = tests.Split("- name: None of them fires")[1];
        Assert.All(alerts, a => Assert.Contains($"- name: {a} fires\n", tests, StringComparison.Ordinal));
        Assert.All(alerts, a => Assert.Contains($"alertname: {a}\n", healthy, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"expr: >-\n +(.*)")]
    private static partial Regex Expression();

    [GeneratedRegex(@"- alert: (\w+)")]
    private static partial Regex Alert();
}
