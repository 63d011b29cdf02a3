namespace GpuScheduler.Simulator.Report;

/// <summary>A MIG device of a card.</summary>
/// <param name="Profile">Name of its profile, e.g. "1g.10gb".</param>
/// <param name="StartMilli">Where it starts on the card, in milli of the card's slices (memory slice 3 of 8 is 375).</param>
/// <param name="SizeMilli">Its size in the same unit.</param>
/// <param name="Used">True when a pod has it.</param>
internal readonly record struct MapSlice(string Profile, int StartMilli, int SizeMilli, bool Used);
