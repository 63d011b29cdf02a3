using System.Collections.Immutable;

namespace GpuScheduler.Forecast.History;

/// <summary>What was demanded in one step of time, on the mean: running and waiting.</summary>
/// <param name="Number">Number of the step, counted from the Unix epoch.</param>
/// <param name="Gpus">All of it, in GPUs.</param>
/// <param name="Waiting">The part that ran nowhere.</param>
/// <param name="Models">By the models that pods name, in GPUs; what pods demand that name none is in no entry.</param>
public sealed record DemandSample(long Number, double Gpus, double Waiting, ImmutableSortedDictionary<string, double> Models);
