using GpuScheduler.Core.Requests.Dialects;

namespace GpuScheduler.Core.Requests;

/// <summary>The requests of one container, of those resources that the engine counts.</summary>
public sealed class ContainerResources
{
    private readonly Dictionary<string, string> _requests = new(StringComparer.Ordinal);
    /// <summary>Why a quantity cannot be understood; null when all can.</summary>
    public string? Invalid { get; private set; }

    /// <summary>The words of a sharing dialect; null when none is used.</summary>
    internal ShareWords? Words { get; private set; }

    /// <summary>Adds one entry of resources.requests.</summary>
    public void AddRequest(string resource, string quantity)
    {
        if (Counts(resource))
        {
            _requests[resource] = quantity;
        }
    }

    /// <summary>Adds one entry of resources.limits, which stands in for an absent request.</summary>
    public void AddLimit(string resource, string quantity)
    {
        if (Counts(resource))
        {
            _requests.TryAdd(resource, quantity);
        }
    }

    /// <summary>True for the resources that the engine counts; others need not be handed over.</summary>
    public static bool Counts(string resource) =>
        resource is "cpu" or "memory" or GpuAnnotations.GpuResource
        || (resource is not null && (resource.StartsWith(GpuAnnotations.MigResourcePrefix, StringComparison.Ordinal) || ShareDialects.IsResource(resource)));

    /// <summary>What the container requests.</summary>
    /// <param name="dialects">The sharing dialects that are read.</param>
    internal ResourceTotals Sum(DialectSet dialects)
    {
        Words = null;
        Invalid = null;
        var totals = new ResourceTotals();
        foreach (var (resource, quantity) in _requests)
        {
            switch (resource)
            {
                case "cpu" when Quantity.TryParseMilli(quantity, out var milli):
                    totals.CpuMilli = milli;
                    break;
                case "memory" when Quantity.TryParseBytes(quantity, out var bytes):
                    totals.MemoryBytes = bytes;
                    break;
                case "cpu" or "memory":
                    Invalid = $"resource {resource}: \"{quantity}\" cannot be used: {Quantity.Grammar} is allowed";
                    break;
                default:
                    var dialect = ShareDialects.IsResource(resource) ? ShareDialects.OfResource(resource) : null;
                    if (dialect is not null && !dialects.Reads(dialect))
                    {
                        break;
                    }

                    if (!Quantity.TryParseCount(quantity, out var count))
                    {
                        Invalid = $"resource {resource}: \"{quantity}\" cannot be used: a whole number {(dialect is null ? "of devices " : "")}is allowed";
                    }
                    else if (dialect is not null)
                    {
                        AddWord(dialect, resource, quantity, count);
                    }
                    else if (resource == GpuAnnotations.GpuResource)
                    {
                        totals.Gpus = count;
                    }
                    else
                    {
                        totals.AddMig(resource[GpuAnnotations.MigResourcePrefix.Length..], count);
                    }

                    break;
            }
        }

        Invalid ??= Words?.Apply(totals);
        return totals;
    }

    private void AddWord(ShareDialect dialect, string resource, string quantity, int count)
    {
        Words ??= new ShareWords(dialect);
        if (Words.Dialect == dialect)
        {
            Words.Add(resource, quantity, count);
        }
        else
        {
            Invalid ??= FieldValue.CannotBeUsed("resource " + resource, quantity, $"the container also asks in the words of {Words.Dialect} ({Words.AResource}): keep one");
        }
    }
}
