using GpuScheduler.Core.Requests;

namespace GpuScheduler.Core.Framework;

/// <summary>
/// The best node so far: the highest score; among equals the first by position or, where the profile leaves ties to chance, the one
/// that a number drawn from the pod's UID and the position puts first. The order in which nodes are offered does not matter.
/// </summary>
internal struct Best(Profile profile, PodInfo pod)
{
    /// <summary>The score of a node that will not do.</summary>
    public const double NoScore = double.NegativeInfinity;

    private readonly ulong? _draw = profile.TieSeed is { } seed ? SeededDraw.For(seed, pod.Uid) : null;

    /// <summary>Index that came with the best node; -1 while there is none.</summary>
    public int Index { get; private set; } = -1;

    /// <summary>Its position.</summary>
    public int Position { get; private set; } = -1;

    /// <summary>Its score.</summary>
    public double Score { get; private set; } = NoScore;

    /// <summary>True when a node would be the best so far.</summary>
    public readonly bool IsBetter(int position, double score) =>
        score > Score || (score == Score && score != NoScore && LuckOf(position) > LuckOf(Position));

    /// <summary>Offers a node.</summary>
    public void Offer(int index, int position, double score)
    {
        if (IsBetter(position, score))
        {
            (Index, Position, Score) = (index, position, score);
        }
    }

    private readonly ulong LuckOf(int position) => _draw is { } draw ? SeededDraw.Mix(draw + (ulong)position) : ~(ulong)position;
}
