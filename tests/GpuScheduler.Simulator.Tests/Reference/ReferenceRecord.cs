namespace GpuScheduler.Simulator.Tests.Reference;

/// <summary>What is recorded after an arrival.</summary>
/// <param name="ArrivedPercent">GPU demand arrived, in % of the cluster.</param>
/// <param name="AllocationPercent">Allocated, in %, two decimals.</param>
/// <param name="FragmentRatioPercent">F over idle, in %, two decimals.</param>
internal readonly record struct ReferenceRecord(double ArrivedPercent, double AllocationPercent, double FragmentRatioPercent);
