using CsCheck;
using GpuScheduler.Core.Demand;

namespace GpuScheduler.Core.Tests.Demand;

/// <summary>Kinds of pods for the tests of the tables that are made of them.</summary>
internal static class Kinds
{
    /// <summary>A handful of kinds, shared and whole.</summary>
    public static readonly Gen<(DemandKind Kind, double Share)[]> Gen =
        CsCheck.Gen.Select(CsCheck.Gen.Int[0, 16], CsCheck.Gen.Int[1, 120], CsCheck.Gen.Int[1, 4], CsCheck.Gen.Double[0.01, 1], (cpu, size, cards, share) =>
            (new DemandKind(cpu * 500, size < 100 ? 1 : cards, Math.Min(size, 100) * 10, 1, ""), share)).Array[1, 6];
}
