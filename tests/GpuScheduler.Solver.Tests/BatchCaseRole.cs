namespace GpuScheduler.Solver.Tests;

/// <summary>Members of a gang of a <see cref="BatchCase"/>.</summary>
internal sealed record BatchCaseRole(int Gpus, int Members, int More, bool WantsModern)
{
    public override string ToString() => $"{Members}+{More}x{Gpus}{(WantsModern ? "m" : "")}";
}
