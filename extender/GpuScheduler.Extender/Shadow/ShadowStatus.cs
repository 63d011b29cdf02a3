namespace GpuScheduler.Extender.Shadow;

/// <summary>Where a shadow stands. Never changes.</summary>
/// <param name="State">What it is at.</param>
/// <param name="Ends">Comparisons that ended since the service started.</param>
/// <param name="LastEnd">Why the last of them did; null when none has.</param>
/// <param name="View">What is to be seen; null until the first look of a comparison.</param>
internal sealed record ShadowStatus(ShadowState State, int Ends, ShadowEnd? LastEnd, ShadowView? View);
