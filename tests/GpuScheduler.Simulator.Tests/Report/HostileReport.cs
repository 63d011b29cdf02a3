using GpuScheduler.Simulator.Report;

namespace GpuScheduler.Simulator.Tests.Report;

/// <summary>A report in which every text is the same, as an attacker would choose it.</summary>
internal static class HostileReport
{
    public static ReportModel Named(string name)
    {
        var model = SampleReport.SmallWithMig();
        return model with
        {
            Title = name,
            CommandLine = name,
            Notes = [name],
            Versions = [new(name, name)],
            Tables = [new ReportTable { Title = name, Caption = name, Columns = [name, name], Rows = [[name, name]] }],
            Scenarios = [.. model.Scenarios.Select(s => Named(s, name))],
        };
    }

    private static ReportScenario Named(ReportScenario scenario, string name) => scenario with
    {
        Name = name,
        Description = name,
        Bounds = [.. scenario.Bounds.Select(b => b with { Source = name })],
        Policies = [.. scenario.Policies.Select(p => p with { Name = name, Map = Named(p.Map!, name) })],
    };

    private static ClusterMap Named(ClusterMap map, string name) => map with
    {
        GroupedBy = name,
        Nodes =
        [
            .. map.Nodes.Select(n => n with
            {
                Name = name,
                Group = name,
                Cards = [.. n.Cards.Select(c => c with { Slices = [.. c.Slices.Select(x => x with { Profile = name })] })],
            }),
        ],
    };
}
