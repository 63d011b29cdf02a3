namespace GpuScheduler.Kubectl;

/// <summary>What is asked for is not there or cannot be had; the message says what to do.</summary>
internal sealed class CannotException(string message, Exception? cause = null) : Exception(message, cause);
