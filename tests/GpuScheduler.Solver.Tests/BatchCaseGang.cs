namespace GpuScheduler.Solver.Tests;

/// <summary>A gang of a <see cref="BatchCase"/>.</summary>
internal sealed record BatchCaseGang(int Weight, int Required, BatchCaseRole[] Roles)
{
    public override string ToString() => $"[{Weight}@{Required} {string.Join(' ', (object[])Roles)}]";
}
