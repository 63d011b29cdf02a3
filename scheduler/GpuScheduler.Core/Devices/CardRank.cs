namespace GpuScheduler.Core.Devices;

/// <summary>How good a card is for a share. The greater value is better; among equal values the greater tie value; then the lower number.</summary>
/// <param name="Value">The value; what a policy scores a node by may be the value of the card it gets there (<see cref="DevicePick.CardValue"/>).</param>
/// <param name="Tie">Decides among equal values.</param>
public readonly record struct CardRank(double Value, double Tie = 0)
{
    /// <summary>True when this one is better, so that among equals the one that came first stays.</summary>
    public bool IsBetterThan(in CardRank other) => Value > other.Value || (Value == other.Value && Tie > other.Tie);
}
