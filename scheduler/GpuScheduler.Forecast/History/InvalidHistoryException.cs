namespace GpuScheduler.Forecast.History;

/// <summary>A file is no history of demand, or cannot be read; the message says what to do.</summary>
public sealed class InvalidHistoryException(string message, Exception? cause = null) : Exception(message, cause);
