namespace GpuScheduler.Forecast;

/// <summary>A day and a week in steps.</summary>
/// <param name="Step">Length of a step; it divides a day.</param>
internal readonly record struct Seasons(TimeSpan Step)
{
    public int Day => (int)(TimeSpan.FromDays(1) / Step);

    public int Week => 7 * Day;
}
