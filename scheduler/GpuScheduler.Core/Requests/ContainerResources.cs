namespace GpuScheduler.Core.Requests;

/// <summary>The requests of one container, of those resources that the engine counts.</summary>
public sealed class ContainerResources
{
    private readonly Dictionary<string, string> _requests = new(StringComparer.Ordinal);
    private ResourceTotals? _totals;

    /// <summary>Why a quantity cannot be understood; null when all can.</summary>
    public string? Invalid { get; private set; }

    internal ResourceTotals Totals => _totals ??= Sum();

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
        || (resource is not null && resource.StartsWith(GpuAnnotations.MigResourcePrefix, StringComparison.Ordinal));

    private ResourceTotals Sum()
    {
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
                    if (!Quantity.TryParseCount(quantity, out var count))
                    {
                        Invalid = $"resource {resource}: \"{quantity}\" cannot be used: a whole number of devices is allowed";
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

        return totals;
    }
}
