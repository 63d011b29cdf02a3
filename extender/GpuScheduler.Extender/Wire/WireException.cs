namespace GpuScheduler.Extender.Wire;

/// <summary>A request body that cannot be understood; the message says what to change.</summary>
internal sealed class WireException(string message) : Exception(message);
