using System.Text.Json;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// The outcome of a check with its reason. Instances are few and shared: kube-scheduler counts equal texts together
/// ("3 not enough free GPUs"), so that a reason names neither nodes nor numbers.
/// </summary>
public sealed class Status
{
    private static int s_count;

    private Status(StatusCode code, string reason)
    {
        Id = Interlocked.Increment(ref s_count) - 1;
        Code = code;
        Reason = reason;
        JsonReason = (byte[])[.. "\""u8, .. JsonEncodedText.Encode(reason).EncodedUtf8Bytes, .. "\""u8];
    }

    /// <summary>It passed.</summary>
    public static Status Success { get; } = new(StatusCode.Success, "");

    /// <summary>A small number that tells instances apart, for counting without a dictionary.</summary>
    public int Id { get; }

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

    /// <inheritdoc/>
    public override string ToString() => IsSuccess ? "Success" : $"{Code}: {Reason}";
}
