namespace GpuScheduler.Solver.Bounds;

/// <summary>
/// The most profitable pattern of parts for cards of any room, when each part placed costs a price: an unbounded knapsack in whole
/// numbers, and the bound that follows from it.
/// </summary>
/// <remarks>
/// For any prices π of the parts, what a placement allocates is what the parts on its cards bring above their prices, plus the prices of
/// all parts placed. A card brings at most what its best pattern does, and of a part with Least ≤ placed ≤ Most the prices sum up to at
/// most π·Most, or π·Least where π is negative: together this is the bound, for every π (weak duality). Prices near the optimum of the
/// linear program bring it near that optimum.
/// </remarks>
internal sealed class CardPatterns
{
    /// <summary>Prices are whole numbers of 2^-32 milli-GPU: rounding them moves the bound by less than 0.01 milli-GPU on ten thousand cards.</summary>
    private const int FractionBits = 32;

    private readonly CardItem[] _items;
    private readonly CardClass[] _cards;
    private readonly long[] _prices;
    private readonly long[] _best;
    private readonly int[] _last;

    public CardPatterns(CardClass[] cards, CardItem[] items)
    {
        _cards = cards;
        _items = items;
        _prices = new long[items.Length];
        var room = cards.Select(c => c.FreeMilli).DefaultIfEmpty(0).Max();
        _best = new long[room + 1];
        _last = new int[room + 1];
    }

    /// <summary>Finds the best patterns for prices.</summary>
    /// <param name="prices">Price of a part, by item, in milli-GPU.</param>
    /// <returns>The bound for these prices, in milli-GPU.</returns>
    public long Price(ReadOnlySpan<double> prices)
    {
        for (var i = 0; i < _items.Length; i++)
        {
            _prices[i] = (long)Math.Round(Math.ScaleB(prices[i], FractionBits));
        }

        _last[0] = -1;
        for (var room = 1; room < _best.Length; room++)
        {
            // What is left of the room stays empty: then the pattern is that of one milli-GPU less.
            (_best[room], _last[room]) = (_best[room - 1], -1);
            for (var i = 0; i < _items.Length; i++)
            {
                var milli = _items[i].Milli;
                if (milli <= room && _best[room - milli] + Profit(i) is var value && value > _best[room])
                {
                    (_best[room], _last[room]) = (value, i);
                }
            }
        }

        var bound = (Int128)0;
        for (var i = 0; i < _items.Length; i++)
        {
            bound += (Int128)_prices[i] * (_prices[i] > 0 ? _items[i].Most : _items[i].Least);
        }

        foreach (var (room, count) in _cards)
        {
            bound += (Int128)_best[room] * count;
        }

        // An allocation is a whole number of milli-GPU: rounding down loses none. The shift rounds down, negative numbers too.
        return (long)(bound >> FractionBits);
    }

    /// <summary>What the best of the patterns with an item brings above the prices of its parts, in milli-GPU; nothing (below 0) when the item does not fit.</summary>
    public double ValueWith(int item, int room) =>
        _items[item].Milli <= room ? Math.ScaleB((double)(_best[room - _items[item].Milli] + Profit(item)), -FractionBits) : double.NegativeInfinity;

    /// <summary>How often each item is in the best of the patterns with an item that fits.</summary>
    public int[] PatternWith(int item, int room)
    {
        var counts = new int[_items.Length];
        counts[item] = 1;
        room -= _items[item].Milli;
        while (room > 0)
        {
            if (_last[room] is >= 0 and var next)
            {
                counts[next]++;
                room -= _items[next].Milli;
            }
            else
            {
                room--;
            }
        }

        return counts;
    }

    private long Profit(int item) => ((long)_items[item].Milli << FractionBits) - _prices[item];
}
