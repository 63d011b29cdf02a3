using System.Diagnostics.CodeAnalysis;

namespace GpuScheduler.Core.Reservations;

/// <summary>What became of a promise.</summary>
public sealed record PromiseResult
{
    private PromiseResult()
    {
    }

    /// <summary>The allocation, unless refused.</summary>
    public Allocation? Allocation { get; private init; }

    /// <summary>True when the pod is bound to that node already: there is nothing left to do.</summary>
    public bool IsBound { get; private init; }

    /// <summary>Why there is none.</summary>
    public string? Refusal { get; private init; }

    /// <summary>True when the devices are the pod's.</summary>
    [MemberNotNullWhen(true, nameof(Allocation))]
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsGranted => Allocation is not null;

    internal static PromiseResult Granted(Allocation allocation) => new() { Allocation = allocation };

    internal static PromiseResult AlreadyBound(Allocation allocation) => new() { Allocation = allocation, IsBound = true };

    internal static PromiseResult Refused(string why) => new() { Refusal = why };
}
