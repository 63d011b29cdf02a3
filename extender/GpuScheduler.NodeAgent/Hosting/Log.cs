using Microsoft.Extensions.Logging;

namespace GpuScheduler.NodeAgent.Hosting;

/// <summary>What the agent logs. Event ids 3000 to 3099.</summary>
internal static partial class Log
{
    [LoggerMessage(3000, LogLevel.Information, "Reporting the GPUs of node {Node} to {Server}; library {Library}, kubelet {Socket}")]
    public static partial void Started(ILogger logger, string node, Uri server, string library, string socket);

    [LoggerMessage(3001, LogLevel.Information, "Wrote the report of node {Node}: {Gpus} GPUs, {Unhealthy} of them unhealthy; write {Writes} since the start")]
    public static partial void Wrote(ILogger logger, string node, int gpus, int unhealthy, long writes);

    [LoggerMessage(3002, LogLevel.Warning, "The report of node {Node} was not written: {Why}. Next attempt in {Pause}")]
    public static partial void NotWritten(ILogger logger, string node, string why, TimeSpan pause);

    [LoggerMessage(3003, LogLevel.Error, "The driver cannot be used, so that no GPU of this node is offered: {Why}")]
    public static partial void DriverGone(ILogger logger, string why);

    [LoggerMessage(3004, LogLevel.Information, "The driver is there again")]
    public static partial void DriverBack(ILogger logger);

    [LoggerMessage(3005, LogLevel.Error, "GPU {Gpu} ({Uuid}) is unhealthy and is withdrawn: {Why}. Pods on it: {Pods}")]
    public static partial void Unhealthy(ILogger logger, uint gpu, string uuid, string why, string pods);

    [LoggerMessage(3006, LogLevel.Information, "GPU {Gpu} ({Uuid}) is healthy again")]
    public static partial void Healthy(ILogger logger, uint gpu, string uuid);

    [LoggerMessage(3007, LogLevel.Warning, "XID {Xid} on GPU {Uuid}")]
    public static partial void Xid(ILogger logger, uint xid, string uuid);

    [LoggerMessage(3008, LogLevel.Warning, "It is not known which pod holds which device: {Why}")]
    public static partial void AssignmentsUnknown(ILogger logger, string why);

    [LoggerMessage(3009, LogLevel.Information, "It is known again which pod holds which device")]
    public static partial void AssignmentsKnown(ILogger logger);

    [LoggerMessage(3010, LogLevel.Warning, "Not known of this node: {Fact}")]
    public static partial void FactUnknown(ILogger logger, string fact);

    [LoggerMessage(3011, LogLevel.Error, "Looking at the driver and the kubelet failed; next attempt in {Pause}")]
    public static partial void LookFailed(ILogger logger, TimeSpan pause, Exception exception);
}
