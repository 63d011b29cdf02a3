namespace GpuScheduler.Core.Requests;

/// <summary>A data set or a model that a pod works on.</summary>
/// <param name="Name">Its name; see <see cref="DataNames"/>.</param>
/// <param name="Part">Its part of all that the pod works on, from 0 to 1: by size as far as sizes are given.</param>
public readonly record struct DataNeed(string Name, double Part);
