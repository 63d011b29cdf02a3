namespace GpuScheduler.Solver.Tests.Bounds;

/// <summary>The most that can be allocated, by trying every subset of the pods on every choice of cards.</summary>
internal sealed class FillUpOracle
{
    private readonly (int Cards, int Milli)[] _pods;
    private readonly int _placedBefore;
    private readonly int[] _free;
    private long _best = -1;

    /// <param name="case">Cards and pods.</param>
    /// <param name="arrived">How many have arrived.</param>
    /// <param name="placedBefore">The shared ones among so many first are placed.</param>
    private FillUpOracle(FillUpCase @case, int arrived, int placedBefore)
    {
        _pods = @case.Pods[..arrived];
        _placedBefore = placedBefore;
        _free = [.. @case.Free];
    }

    /// <summary>The most in milli-GPU; -1 when the shared pods cannot all be placed.</summary>
    public static long Best(FillUpCase @case, int arrived, int placedBefore)
    {
        var oracle = new FillUpOracle(@case, arrived, placedBefore);
        oracle.Place(0, 0);
        return oracle._best;
    }

    private void Place(int pod, long used)
    {
        if (pod == _pods.Length)
        {
            _best = Math.Max(_best, used);
            return;
        }

        var (cards, milli) = _pods[pod];
        if (milli == 1000 || pod >= _placedBefore)
        {
            Place(pod + 1, used);
        }

        OnCards(pod, cards, 0, used + ((long)cards * milli));
    }

    /// <summary>All ways to take so many more cards, from a card on.</summary>
    private void OnCards(int pod, int cards, int from, long used)
    {
        if (cards == 0)
        {
            Place(pod + 1, used);
            return;
        }

        for (var card = from; card < _free.Length; card++)
        {
            if (_free[card] >= _pods[pod].Milli)
            {
                _free[card] -= _pods[pod].Milli;
                OnCards(pod, cards - 1, card + 1, used);
                _free[card] += _pods[pod].Milli;
            }
        }
    }
}
