using GpuScheduler.Simulator.Report;
using Xunit;

namespace GpuScheduler.Simulator.Tests.Report;

/// <summary>Models at the edges: nothing, too little, too much.</summary>
internal static class AwkwardModels
{
    private static readonly Dictionary<string, ReportModel> s_models = new()
    {
        ["empty"] = new() { Title = "", CommandLine = "" },
        ["scenario without policies"] = With(),
        ["policy without runs"] = With(new ReportPolicy { Id = "a", Name = "a" }),
        ["run without curve"] = With(Policy(new ReportRun { Seed = 1 })),
        ["curve of one point"] = With(Policy(new ReportRun { Seed = 1, Curve = [new(50, 40, 10)] }), Policy(new ReportRun { Seed = 1, Curve = [new(50, 30)] }) with { Id = "b", Name = "b" }),
        ["curves that never meet"] = With(Policy(Run(0, 10)), Policy(Run(90, 130)) with { Id = "b", Name = "b" }),
        ["curve of equal values"] = With(Policy(new ReportRun { Seed = 1, Curve = [new(0, 7, 7), new(1, 7, 7)] })),
        ["values that are no numbers"] = With(Policy(new ReportRun
        {
            Seed = 1,
            Curve = [new(double.NaN, 1), new(1, double.NaN, double.NaN), new(2, double.PositiveInfinity, 3), new(3, 3, double.NegativeInfinity)],
            AllocationAt100 = double.NaN,
            IdleGpusAtEnd = double.PositiveInfinity,
            Idle = new IdleByRemainder { Gpus = [double.NaN, 1] },
        })),
        ["huge values"] = With(Policy(new ReportRun
        {
            Seed = long.MaxValue,
            Curve = [new(0, -1e308, 1e300), new(1e200, 1e308, -1e300), new(1e308, 5)],
            AllocationAt100 = 1e300,
            AllocationAtEnd = -1e300,
            IdleGpusAtEnd = 1e308,
            Idle = new IdleByRemainder { Gpus = [1e308, 1e308, 1e308, 0, 0, 0] },
            FailedPods = int.MaxValue,
            WallSeconds = 1e300,
        }) with { TimedRuns = [new TimedRun { Seed = 1, LoadPercent = 1e9, WaitSeconds = [1e300, double.NaN], NeverStarted = int.MaxValue, Allocation = [new(0, 1), new(1e300, 2)] }] }),
        ["no pod ever starts"] = With(new ReportPolicy { Id = "a", Name = "a", TimedRuns = [new TimedRun { Seed = 1, LoadPercent = 100, NeverStarted = 5 }, new TimedRun { Seed = 1, LoadPercent = 80 }] }),
        ["map of odd nodes"] = With(new ReportPolicy
        {
            Id = "a",
            Name = "a",
            Map = new ClusterMap { Seed = 1, Nodes = [new MapNode { Name = "", Cards = [] }, new MapNode { Name = "n", Cards = [new MapCard(3)], CpuMilli = long.MaxValue, FreeCpuMilli = -5, Condition = NodeCondition.Unhealthy }] },
        }),
        ["more policies than colours"] = With([.. Enumerable.Range(0, 60).Select(i => Policy(Run(0, 130)) with { Id = $"p{i}", Name = $"policy with a long name {i}" })]),
        ["table of uneven rows"] = new() { Title = "t", CommandLine = "c", Tables = [new ReportTable { Title = "t", Columns = ["a", "b"], Rows = [[], ["1"], ["1", "2", "3"]] }, new ReportTable { Title = "none", Columns = [], Rows = [] }] },
    };

    public static TheoryData<string> Names => [.. s_models.Keys];

    public static ReportModel Get(string name) => s_models[name];

    private static ReportPolicy Policy(ReportRun run) => new() { Id = "fgd", Name = "FGD", Runs = [run] };

    private static ReportRun Run(int from, int to) => new() { Seed = 1, Curve = [.. Enumerable.Range(from, to - from + 1).Select(l => new CurvePoint(l, l / 2.0, l))] };

    private static ReportModel With(params ReportPolicy[] policies) => new()
    {
        Title = "t",
        CommandLine = "c",
        Scenarios = [new ReportScenario { Name = "s", Policies = policies }],
    };
}
