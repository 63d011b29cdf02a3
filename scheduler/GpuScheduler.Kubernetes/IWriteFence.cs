using System.Diagnostics.CodeAnalysis;

namespace GpuScheduler.Kubernetes;

/// <summary>Says whether this process may write to the API server. It is asked for every write, when its request is about to leave.</summary>
public interface IWriteFence
{
    /// <summary>True when it may write now.</summary>
    /// <param name="ends">Is cancelled when it may write no more: a write that is on its way is given up then.</param>
    /// <param name="refusal">Why not.</param>
    bool TryEnter(out CancellationToken ends, [NotNullWhen(false)] out string? refusal);
}
