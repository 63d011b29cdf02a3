namespace GpuScheduler.NodeAgent.Nvml;

/// <summary>The library or the driver as a whole cannot be used. The message says what to do.</summary>
internal sealed class NvmlException : Exception
{
    public NvmlException(string message, NvmlReturn code, Exception? innerException = null)
        : base(message, innerException) => Code = code;

    public NvmlReturn Code { get; }
}
