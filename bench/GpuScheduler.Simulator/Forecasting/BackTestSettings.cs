namespace GpuScheduler.Simulator.Forecasting;

/// <summary>How a back-test is made.</summary>
/// <param name="Horizon">How far ahead is forecast.</param>
/// <param name="Every">Time between two forecasts.</param>
/// <param name="Lead">How long capacity takes to come.</param>
/// <param name="NodeGpus">GPUs of a node that is ordered.</param>
internal sealed record BackTestSettings(TimeSpan Horizon, TimeSpan Every, TimeSpan Lead, int NodeGpus);
