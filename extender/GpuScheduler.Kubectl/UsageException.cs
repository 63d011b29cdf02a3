namespace GpuScheduler.Kubectl;

/// <summary>The command line, or a file that it names, cannot be used; the message says what to change.</summary>
internal sealed class UsageException(string message, Exception? cause = null) : Exception(message, cause);
