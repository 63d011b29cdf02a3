using System.Diagnostics;
using Xunit;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Waiting for what other processes do.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan limit, Func<string> otherwise, CancellationToken cancellation)
    {
        for (var clock = Stopwatch.StartNew(); !await condition(); await Task.Delay(100, cancellation))
        {
            if (clock.Elapsed > limit)
            {
                Assert.Fail(otherwise());
            }
        }
    }
}
