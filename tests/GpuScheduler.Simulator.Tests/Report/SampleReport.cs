using GpuScheduler.Simulator.Report;

namespace GpuScheduler.Simulator.Tests.Report;

/// <summary>Reports of the size and shape of real ones, the same each time.</summary>
internal static class SampleReport
{
    private const double Gpus = 6212;

    private static readonly (string Id, string Name, double Limit, bool Own)[] s_policies =
    [
        ("default", "Default", 96.2, true),
        ("fgd", "FGD", 95.39, false),
        ("bestfit", "BestFit", 93.13, false),
        ("dotproduct", "DotProduct", 92.6, false),
        ("gpupacking", "GpuPacking", 91.57, false),
        ("gpuclustering", "GpuClustering", 91.53, false),
        ("firstfit", "FirstFit", 94.54, false),
        ("random", "Random", 84.7, false),
        ("leastallocated", "LeastAllocated", 78.2, false),
        ("mostallocated", "MostAllocated", 92.9, false),
    ];

    /// <summary>Ten policies, ten seeds, 1,213 nodes; fill-up and timed.</summary>
    public static ReportModel OneTrace(int nodes = 1213, int policies = 10, int seeds = 10) => Model([Scenario("default", 0, nodes, policies, seeds, timed: true)], seeds);

    /// <summary>Several traces, fill-up only.</summary>
    public static ReportModel Traces(params string[] names) => Model([.. names.Select((n, i) => Scenario(n, i, 1213, 10, 10, timed: false))], 10);

    /// <summary>A small cluster with MIG devices, a cordoned node and an unhealthy card.</summary>
    public static ReportModel SmallWithMig()
    {
        var nodes = Enumerable.Range(0, 12).Select(i => new MapNode
        {
            Name = $"gpu-{i:D2}",
            Group = i < 8 ? "rack-a" : "rack-b",
            CpuMilli = 96_000,
            FreeCpuMilli = i * 7000,
            Condition = i == 3 ? NodeCondition.Cordoned : i == 9 ? NodeCondition.Unhealthy : NodeCondition.Ready,
            Cards = [.. Enumerable.Range(0, 8).Select(c => new MapCard((c * 150 * i) % 1001, Healthy: i != 5 || c != 2)
            {
                Slices = i % 4 == 2 ? [new MapSlice("3g.40gb", 0, 500, c % 2 == 0), new MapSlice("1g.10gb", 500, 125, false), new MapSlice("1g.10gb", 625, 125, true)] : [],
            })],
        });
        var scenario = Scenario("small", 1, 0, 3, 3, timed: false);
        return Model([scenario with { Nodes = 12, Gpus = 96, Policies = [.. scenario.Policies.Select(p => p with { Map = new ClusterMap { Seed = 42, GroupedBy = "rack", Nodes = [.. nodes] } })] }], 3);
    }

    private static ReportModel Model(IReadOnlyList<ReportScenario> scenarios, int seeds) => new()
    {
        Title = "Placement policies on openb",
        CommandLine = "gpu-scheduler-simulator compare --openb data/openb --traces " + string.Join(',', scenarios.Select(s => s.Name)) + $" --seeds 42-{41 + seeds} --html report.html",
        Versions = [new("Simulator", "0.1.0"), new(".NET", "10.0.1"), new("Node list (SHA-256)", "3f1c0a77d2b84e5d9a8c61f0e2b7d4c955e0a1b2c3d4e5f60718293a4b5c6d7e")],
        Seeds = [.. Enumerable.Range(42, seeds).Select(s => (long)s)],
        Notes = ["The arrival orders of seeds 42 to 51 were drawn by the tool's own generator.", "Typical pods were learned from the trace itself, as FGD does."],
        Scenarios = scenarios,
        Tables = [new ReportTable { Title = "Difference from the published curves", Caption = "Largest difference in points of allocation at any load.", Columns = ["Policy", "Largest", "At load"], Rows = [["FGD", "0.004", "87"], ["BestFit", "0.010", "103"]] }],
    };

    private static ReportScenario Scenario(string name, int salt, int nodes, int policies, int seeds, bool timed) => new()
    {
        Name = name,
        Description = "Pods arrive one at a time until 130 % of the cluster's GPUs were asked for; none leaves.",
        Nodes = 1213,
        Gpus = (int)Gpus,
        Bounds = [new(100, 96.36 - salt, "relaxation over card patterns; CPU, models and node limits ignored"), new(130, 96.48 - salt, "relaxation over card patterns; CPU, models and node limits ignored")],
        Policies = [.. s_policies.Take(policies).Select((p, i) => Policy(p.Id, p.Name, p.Limit - salt, p.Own, new Random((salt * 100) + i), nodes, seeds, timed, i))],
    };

    private static ReportPolicy Policy(string id, string name, double limit, bool own, Random random, int nodes, int seeds, bool timed, int index) => new()
    {
        Id = id,
        Name = name,
        Own = own,
        Runs = [.. Enumerable.Range(42, seeds).Select(s => Run(s, limit + ((random.NextDouble() - 0.5) * 0.3), random))],
        TimedRuns = timed ? [.. new[] { 60.0, 80, 100 }.SelectMany(load => Enumerable.Range(42, 3).Select(s => Timed(s, load, index, random)))] : [],
        Map = nodes == 0 ? null : Map(nodes, 1 - (limit / 100), random),
    };

    private static ReportRun Run(int seed, double limit, Random random)
    {
        double At(double load) => load - (Math.Log(1 + Math.Exp((load - limit) / 1.2)) * 1.2);
        var idle = Gpus * (100 - At(130)) / 100;
        var shares = new[] { 0.14, 0.66 - ((96.2 - limit) * 0.05), 0.03, 0.04, 0.03, 0.1 + ((96.2 - limit) * 0.05) };
        return new ReportRun
        {
            Seed = seed,
            Curve = [.. Enumerable.Range(0, 131).Select(l => new CurvePoint(l, Math.Round(At(l), 2), Math.Round((99.5 - (limit / 50)) * (1 - Math.Exp(-l / 38.0)) + random.NextDouble(), 2)))],
            AllocationAt100 = At(100),
            AllocationAtEnd = At(130),
            IdleGpusAtEnd = idle,
            Idle = new IdleByRemainder { Gpus = [.. shares.Select(s => Math.Max(0, s) / shares.Where(x => x > 0).Sum() * idle)] },
            FailedPods = 2400 + (int)((96.2 - limit) * 90) + random.Next(50),
            WallSeconds = 0.6 + random.NextDouble(),
            PeakMemoryMiB = 96 + random.Next(20),
        };
    }

    private static TimedRun Timed(int seed, double load, int index, Random random) => new()
    {
        Seed = seed,
        LoadPercent = load,
        WaitSeconds = [.. Enumerable.Range(0, 2000).Select(_ => random.NextDouble() < 1.25 - (load / 110) - (index * 0.02) ? 0 : -Math.Log(random.NextDouble()) * load * load * (index + 4) / 6)],
        NeverStarted = load == 100 ? index * 4 : 0,
        Allocation = [.. Enumerable.Range(0, 300).Select(i => new TimePoint(i * 2400, Math.Clamp(Math.Min(load, i * 1.4) - index + (random.NextDouble() * 3), 0, 97 - index)))],
    };

    private static ClusterMap Map(int nodes, double idle, Random random) => new()
    {
        Seed = 42,
        Nodes = [.. Enumerable.Range(0, nodes).Select(i =>
        {
            var (model, cards, cpu) = (i * 1000L / nodes) switch { < 110 => ("P100", 2, 64_000), < 460 => ("T4", 2, 96_000), < 500 => ("G3", 8, 128_000), < 530 => ("V100M16", 4, 64_000), < 550 => ("V100M32", 8, 96_000), < 552 => ("A10", 1, 128_000), _ => ("G2", 8, 96_000) };
            return new MapNode
            {
                Name = $"openb-node-{i:D4}",
                Group = model,
                CpuMilli = cpu,
                FreeCpuMilli = random.NextDouble() < 0.6 ? 0 : random.Next(cpu / 2),
                Condition = i % 401 == 400 ? NodeCondition.Cordoned : NodeCondition.Ready,
                Cards = [.. Enumerable.Range(0, cards).Select(_ => new MapCard(
                    random.NextDouble() > idle * 6 ? 1000 : random.Next(10) switch { < 6 => 800 + random.Next(90), < 8 => 901 + random.Next(90), 8 => random.Next(700), _ => 0 },
                    Healthy: random.Next(3000) != 0))],
            };
        })],
    };
}
