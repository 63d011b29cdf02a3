using System.Diagnostics;

namespace GpuScheduler.Extender.Observability;

/// <summary>Spans that begin and end in different calls: they are never the current one of a call, and have no parent among those of it.</summary>
internal static class Detached
{
    /// <summary>Starts the first span of a trace.</summary>
    public static Activity? Start(ActivitySource source, string name, IEnumerable<ActivityLink>? links = null)
    {
        var current = Activity.Current;
        Activity.Current = null;
        try
        {
            return source.StartActivity(name, ActivityKind.Internal, default(ActivityContext), links: links);
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <summary>Ends a span that another call may have started.</summary>
    public static void End(Activity span)
    {
        var current = Activity.Current;
        span.Stop();
        Activity.Current = current;
    }
}
