namespace GpuScheduler.Kubernetes;

/// <summary>Where a <see cref="Reflector{T}"/> puts what it sees. Called from one thread at a time.</summary>
internal interface IReflectorSink<in T>
{
    /// <summary>These are all there are; what is not among them is gone.</summary>
    /// <param name="items">All of them.</param>
    /// <param name="consistent">True for a list that is as new as everything written before it was asked for (a quorum read); false for one from a cache.</param>
    /// <param name="asked">When it was asked for.</param>
    void Replace(IReadOnlyList<T> items, bool consistent, DateTimeOffset asked);

    /// <summary>The resource cannot be seen, because the API server does not have it or does not show it.</summary>
    /// <param name="asked">When it was asked for.</param>
    void Absent(DateTimeOffset asked) => Replace([], consistent: true, asked);

    /// <summary>One is new or was changed.</summary>
    void Upsert(T item);

    /// <summary>One is gone.</summary>
    /// <param name="item">As it was last.</param>
    void Delete(T item);
}
