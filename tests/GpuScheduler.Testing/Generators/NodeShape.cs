using System.Collections.Immutable;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Testing;

/// <summary>
/// A node of some kind in some condition: what the API says of it, what it reports of itself, and what an auditor must know.
/// </summary>
/// <param name="Kind">The machine.</param>
/// <param name="Name">Name of the node.</param>
/// <param name="Unhealthy">GPUs that its report calls unhealthy, as bits.</param>
/// <param name="Missing">GPUs by which allocatable is less than the number of GPUs.</param>
/// <param name="FirstIsWhole">On demand only: the first GPU is not in MIG mode.</param>
public sealed record NodeShape(NodeKind Kind, string Name, int Unhealthy = 0, int Missing = 0, bool FirstIsWhole = false)
{
    private static readonly ImmutableArray<(string Profile, int Start, int Size)> s_balanced = [("1g.5gb", 0, 1), ("1g.5gb", 1, 1), ("2g.10gb", 2, 2), ("3g.20gb", 4, 4)];

    /// <summary>Product label.</summary>
    public string Product => Kind switch
    {
        NodeKind.H100Switched => "NVIDIA-H100-80GB-HBM3",
        NodeKind.V100CubeMesh => "Tesla-V100-SXM2-16GB",
        NodeKind.A100Bridged => "NVIDIA-A100-80GB-PCIe",
        NodeKind.SingleT4 => "Tesla-T4",
        _ => "NVIDIA-A100-SXM4-40GB",
    };

    /// <summary>Number of GPUs.</summary>
    public int GpuCount => Kind switch
    {
        NodeKind.SingleT4 => 1,
        NodeKind.A100MigBalanced or NodeKind.A100MigOnDemand => 2,
        _ => 8,
    };

    /// <summary>Memory of a GPU, in MiB.</summary>
    public int MemoryMiB => Kind switch
    {
        NodeKind.H100Switched => 81_559,
        NodeKind.V100CubeMesh => 16_160,
        NodeKind.A100Bridged => 81_920,
        NodeKind.SingleT4 => 15_360,
        _ => 40_960,
    };

    private MachineFact? Machine => Kind switch
    {
        NodeKind.H100Switched => Fixtures.Machine("dgx-h100"),
        NodeKind.V100CubeMesh => Fixtures.Machine("dgx1-v100"),
        NodeKind.A100Bridged => Fixtures.Machine("a100-pcie-8-bridged"),
        _ => null,
    };

    private int AllocatableGpus => Kind is NodeKind.A100MigBalanced or NodeKind.A100MigOnDemand ? 0 : Math.Max(0, GpuCount - Missing);

    /// <summary>The Node object.</summary>
    public NodeObject Node()
    {
        var node = new NodeBuilder(Name).Product(Product).Count(GpuCount).MemoryMiB(MemoryMiB);
        if (Kind == NodeKind.A100MigBalanced)
        {
            foreach (var profile in s_balanced.CountBy(p => p.Profile))
            {
                node.Mig(profile.Key, profile.Value * GpuCount);
            }
        }
        else if (Kind != NodeKind.A100MigOnDemand)
        {
            node.Whole(AllocatableGpus);
        }

        return node.Build();
    }

    /// <summary>What it reports.</summary>
    public NodeReport Report() => new(
        [
            .. Enumerable.Range(0, GpuCount).Select(i => new GpuInfo
            {
                Index = i,
                Uuid = $"GPU-{Name}-{i}",
                MemoryMiB = MemoryMiB,
                Healthy = IsHealthy(i),
                Mig = Mig(i),
                Instances = Kind == NodeKind.A100MigBalanced
                    ? [.. s_balanced.Select(p => new MigInstance(new MigPlacement(p.Profile, p.Start, p.Size), $"MIG-{Name}-{i}-{p.Start}"))]
                    : [],
            }),
        ],
        Machine?.Links(),
        null);

    /// <summary>What an auditor must know when the node looks like this and its report, if there is one, was made in that condition.</summary>
    public AuditedNode Audited(NodeShape? reported)
    {
        var facts = Fixtures.MigProducts.FirstOrDefault(p => p.GfdProducts.Contains(Product));
        IEnumerable<(string, int, int)> legal = facts is null ? [] : facts.Profiles.SelectMany(p => p.Starts.Select(s => (p.ResourceName, s, p.MemorySlices)));
        var machine = Machine;
        return new AuditedNode
        {
            Name = Name,
            Product = Product,
            Devices =
            [
                .. Enumerable.Range(0, GpuCount).Select(i => new AuditedDevice
                {
                    MemoryMiB = MemoryMiB,
                    OffersWhole = reported is null ? Kind != NodeKind.A100MigBalanced : reported.IsHealthy(i) && reported.Mig(i) == MigMode.Disabled,
                    Placements = (reported, Kind) switch
                    {
                        (null, NodeKind.A100MigBalanced) => legal.ToHashSet(),
                        (not null, NodeKind.A100MigBalanced) when reported.IsHealthy(i) => s_balanced.ToHashSet(),
                        (not null, NodeKind.A100MigOnDemand) when reported.IsHealthy(i) && reported.Mig(i) == MigMode.OnDemand => legal.ToHashSet(),
                        _ => new HashSet<(string, int, int)>(),
                    },
                }),
            ],
            AllocatableGpus = Kind == NodeKind.A100MigOnDemand && reported is { FirstIsWhole: true } ? 1 : AllocatableGpus,
            AllocatableMig = Kind == NodeKind.A100MigBalanced ? s_balanced.CountBy(p => p.Profile).ToDictionary(p => p.Key, p => p.Value * GpuCount) : null,
            Linked = machine is null ? (_, _) => Kind != NodeKind.SingleT4 : machine.IsLinked,
            MigMemoryMiB = facts?.Profiles.ToDictionary(p => p.ResourceName, p => p.MemoryMiB) ?? [],
        };
    }

    private bool IsHealthy(int gpu) => (Unhealthy >> gpu & 1) == 0;

    private MigMode Mig(int gpu) => Kind switch
    {
        NodeKind.A100MigBalanced => MigMode.Fixed,
        NodeKind.A100MigOnDemand => FirstIsWhole && gpu == 0 ? MigMode.Disabled : MigMode.OnDemand,
        _ => MigMode.Disabled,
    };
}
