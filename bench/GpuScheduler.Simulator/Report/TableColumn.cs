namespace GpuScheduler.Simulator.Report;

/// <summary>A column of figures in a table about <typeparamref name="T"/>.</summary>
/// <param name="Head">Its heading.</param>
/// <param name="Hint">What the heading leaves out; shown on hover; may be empty.</param>
/// <param name="Cell">Its cell for a row.</param>
/// <param name="Best">Which value is best: -1 the least, +1 the greatest, 0 none.</param>
internal sealed record TableColumn<T>(string Head, string Hint, Func<T, TableCell> Cell, int Best = 0);
