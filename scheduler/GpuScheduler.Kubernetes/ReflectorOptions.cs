namespace GpuScheduler.Kubernetes;

/// <summary>How a <see cref="Reflector{T}"/> lists and watches. The defaults are those of client-go's reflector where it has them.</summary>
internal sealed record ReflectorOptions
{
    /// <summary>Items on a page, where the API server cuts a list into pages.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Shortest time after which the API server is asked to end a watch. Chosen at random, so that watches do not end together.</summary>
    public TimeSpan WatchLeast { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Longest time after which the API server is asked to end a watch.</summary>
    public TimeSpan WatchMost { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>
    /// How long a watch may be silent before it is taken for dead. Null for its own duration and <see cref="Grace"/> more: by then
    /// the API server would have ended it.
    /// </summary>
    public TimeSpan? WatchIdleLimit { get; init; }

    /// <summary>See <see cref="WatchIdleLimit"/>.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an answer may take to begin, and a list to go on. Above the API server's own limit of 60 s.</summary>
    public TimeSpan AnswerLimit { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>First pause after a failure; doubles with each.</summary>
    public TimeSpan BackoffLeast { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>Longest pause.</summary>
    public TimeSpan BackoffMost { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A watch that ends sooner than this and without an event counts as a failure.</summary>
    public TimeSpan ShortestWatch { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Pause before a resource that the API server does not have is asked for again.</summary>
    public TimeSpan AbsentPause { get; init; } = TimeSpan.FromSeconds(60);
}
