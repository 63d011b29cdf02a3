using System.Text.Json;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// The outcome of a check with its reason. Instances are few and shared: kube-scheduler counts equal texts together
/// ("3 not enough free GPUs"), so that a reason names neither nodes nor numbers.
/// </summary>
public sealed class Status
{
    private static int s_count;

    private Status(StatusCode code, string reason, Status? kind = null)
    {
        Kind = kind ?? this;
        Id = kind?.Id ?? Interlocked.Increment(ref s_count) - 1;
        Code = code;
        Reason = reason;
        JsonReason = (byte[])[.. "\""u8, .. JsonEncodedText.Encode(reason).EncodedUtf8Bytes, .. "\""u8];
    }

    /// <summary>It passed.</summary>
    public static Status Success { get; } = new(StatusCode.Success, "");

    /// <summary>A small number that tells instances apart, for counting without a dictionary; those of one <see cref="Kind"/> share it.</summary>
    public int Id { get; }

    /// <summary>The status that stands for this one where few texts are wanted (metrics): itself, unless it was made by <see cref="Because"/>.</summary>
    public Status Kind { get; }

    /// <summary>The kind of outcome.</summary>
    public StatusCode Code { get; }

    /// <summary>Why, in a few words; "" for success.</summary>
    public string Reason { get; }

    /// <summary>The reason as a JSON string in UTF-8, quotes included.</summary>
    public ReadOnlyMemory<byte> JsonReason { get; }

    /// <summary>True when it passed.</summary>
    public bool IsSuccess => Code == StatusCode.Success;

    /// <summary>A failure that removing pods could cure.</summary>
    public static Status Unschedulable(string reason) => new(StatusCode.Unschedulable, reason);

    /// <summary>A failure that removing pods cannot cure.</summary>
    public static Status Unresolvable(string reason) => new(StatusCode.UnschedulableAndUnresolvable, reason);

    /// <summary>The pod has to wait for others of its gang; nothing that removing pods could cure.</summary>
    public static Status Wait(string reason) => new(StatusCode.Wait, reason);

    /// <summary>The same with a reason of its own, which may hold names and numbers because all nodes of an answer share it. It counts as this one.</summary>
    public Status Because(string reason) => new(Code, reason, Kind);

    /// <inheritdoc/>
    public override string ToString() => IsSuccess ? "Success" : $"{Code}: {Reason}";
}
