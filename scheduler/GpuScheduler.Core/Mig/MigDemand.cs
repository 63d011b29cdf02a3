namespace GpuScheduler.Core.Mig;

/// <summary>Pending requests for one MIG device each that are alike.</summary>
/// <param name="Name">What is asked for, in words: the profile, and what else there is.</param>
/// <param name="Count">How many.</param>
/// <param name="Worth">What serving one of them is worth: its memory slices, times a weight.</param>
public sealed record MigDemand(string Name, int Count, long Worth);
