namespace GpuScheduler.Simulator.Input;

/// <summary>Something the user gave cannot be used. The message says what, where, and what to do; it is shown as it is.</summary>
internal sealed class InputException(string message, Exception? innerException = null) : Exception(message, innerException);
