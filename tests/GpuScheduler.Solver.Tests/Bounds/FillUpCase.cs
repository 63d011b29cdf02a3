using CsCheck;
using GpuScheduler.Solver.Bounds;

namespace GpuScheduler.Solver.Tests.Bounds;

/// <summary>Few cards and pods, drawn by chance.</summary>
/// <param name="Free">What is free on each card, in milli-GPU.</param>
/// <param name="Pods">Cards and milli-GPU of each, in order of arrival.</param>
internal sealed record FillUpCase(int[] Free, (int Cards, int Milli)[] Pods)
{
    public static Gen<FillUpCase> Any { get; } =
        from cards in Gen.Int[1, 4]
        from free in Gen.Frequency((4, Gen.Const(1000)), (1, Gen.OneOf(0, 190, 500, 730))).Array[cards]
        from pods in Gen.Int[1, 7]
        from wanted in Gen.Frequency(
            (6, Gen.OneOf(50, 110, 190, 240, 300, 330, 450, 500, 510, 600, 670, 810, 990).Select(milli => (1, milli))),
            (3, Gen.Int[1, 999].Select(milli => (1, milli))),
            (3, Gen.Int[1, 3].Select(n => (n, 1000))),
            (1, Gen.Select(Gen.Int[2, 3], Gen.OneOf(250, 400)))).Array[pods]
        select new FillUpCase(free, wanted);

    public FillUpBound Bound => new(Free, Pods.Select((p, i) => new FillUpPart(i, p.Cards, p.Milli)));

    public override string ToString() => $"free {string.Join(',', Free)}; pods {string.Join(", ", Pods.Select(p => $"{p.Cards}x{p.Milli}"))}";
}
