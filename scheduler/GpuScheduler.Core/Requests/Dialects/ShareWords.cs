using System.Globalization;

namespace GpuScheduler.Core.Requests.Dialects;

/// <summary>What one container says in the resources of a dialect.</summary>
internal sealed class ShareWords(ShareDialect dialect)
{
    private const int Whole = 100; // percent
    private readonly Dictionary<ShareWord, (string Resource, string Text, int Value)> _words = [];

    public ShareDialect Dialect { get; } = dialect;

    /// <summary>A resource of this dialect, to name in messages.</summary>
    public string AResource => _words.Values.First().Resource;

    public void Add(string resource, string text, int value) => _words[Dialect.Resources[resource]] = (resource, text, value);

    /// <summary>What the container is given, in the terms of HAMi's and Volcano's plugins.</summary>
    public ContainerGpus Container { get; private set; }

    /// <summary>Puts what was said into the container's totals. Null, or why it cannot be used.</summary>
    public string? Apply(ResourceTotals totals) => Dialect == ShareDialects.Gpushare ? ApplyUnits(totals) : ApplyVirtual(totals);

    private string? ApplyUnits(ResourceTotals totals)
    {
        var units = Value(ShareWord.MemoryUnits);
        if (_words.TryGetValue(ShareWord.Count, out var count) && count.Value > 0)
        {
            if (units == 0)
            {
                return Explain(ShareWord.Count, $"it goes with {ShareDialects.GpushareMemory}; whole GPUs are asked for with {GpuAnnotations.GpuResource}");
            }

            if (count.Value > 1)
            {
                return Explain(ShareWord.Count, "gpushare's device plugin gives a pod one GPU; 1 is allowed");
            }
        }

        totals.Shares = units > 0 ? new ShareAmounts(1, 0, 0, 0, units) : null;
        return null;
    }

    private string? ApplyVirtual(ResourceTotals totals)
    {
        var count = Dialect == ShareDialects.Hami ? (int)Math.Min(totals.Gpus, int.MaxValue) : Value(ShareWord.Count);
        if (Dialect != ShareDialects.Hami && totals.Gpus > 0)
        {
            return $"resource {AResource} is of {Dialect}, and the container also asks for {GpuAnnotations.GpuResource}: keep one";
        }

        foreach (var word in new[] { ShareWord.Memory, ShareWord.MemoryPercent, ShareWord.Cores })
        {
            if (count == 0 && Value(word) > 0)
            {
                return Explain(word, $"it goes with {Dialect.Count}, which says on how many GPUs");
            }
        }

        if (_words.TryGetValue(ShareWord.MemoryPercent, out var percent) && percent.Value is < 1 or > Whole)
        {
            return Explain(ShareWord.MemoryPercent, "a whole number from 1 to 100 is allowed");
        }

        var cores = Value(ShareWord.Cores);
        if (cores > Whole)
        {
            return Explain(ShareWord.Cores, "a whole number from 1 to 100 (percent of each GPU) is allowed");
        }

        // As HAMi has it: memory in MiB goes before memory in percent, without either it is all of it; all compute means exclusive use.
        var memory = Value(ShareWord.Memory);
        var permille = memory > 0 ? 0 : 10 * (percent.Resource is null ? Whole : percent.Value);
        var isWhole = cores == Whole || (cores == 0 && permille == 10 * Whole);
        Container = new ContainerGpus(count, memory, permille, isWhole ? Whole : cores);
        totals.Gpus = isWhole ? count : 0;
        totals.Shares = isWhole ? null : new ShareAmounts(count, memory, permille, 10L * cores, 0);
        return null;
    }

    private int Value(ShareWord word) => _words.TryGetValue(word, out var said) ? said.Value : 0;

    private string Explain(ShareWord word, string allowed) => FieldValue.CannotBeUsed("resource " + _words[word].Resource, _words[word].Text, allowed);
}
