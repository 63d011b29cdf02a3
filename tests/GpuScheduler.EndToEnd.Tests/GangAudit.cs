using System.Diagnostics;
using k8s;

namespace GpuScheduler.EndToEnd.Tests;

/// <summary>Looks at the API server again and again, and notes since when each gang is bound in part.</summary>
internal sealed class GangAudit(IKubernetes client, IReadOnlyList<GangJob> gangs)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, TimeSpan> _partSince = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _longest = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TimeSpan> _whole = new(StringComparer.Ordinal);
    private readonly List<GangJob> _gangs = [.. gangs];
    private readonly Lock _gate = new();
    private Dictionary<string, int> _bound = new(StringComparer.Ordinal);
    private Dictionary<string, int> _free = new(StringComparer.Ordinal);

    /// <summary>Gangs that are bound whole.</summary>
    public int Running => Gangs.Count(g => _bound.GetValueOrDefault(g.Name) >= g.Members);

    public string Summary => $"{Running} of {Gangs.Count} gangs run; longest time in part {_longest.Values.DefaultIfEmpty().Max().TotalSeconds:F1} s; last one whole after {_whole.Values.DefaultIfEmpty().Max().TotalSeconds:F1} s";

    /// <summary>Gangs that are bound whole.</summary>
    public IReadOnlyList<GangJob> Whole => [.. Gangs.Where(g => _bound.GetValueOrDefault(g.Name) >= g.Members)];

    /// <summary>Waits until so many gangs are bound whole.</summary>
    public Task SomeRunAsync(int count, TimeSpan limit, CancellationToken cancellation) =>
        Eventually.TrueAsync(() => Task.FromResult(Running >= count), limit, () => $"less than {count} gangs run; {Summary}", cancellation);

    /// <summary>A gang is being deleted: nothing is said of it any more.</summary>
    public void Forget(GangJob gang)
    {
        lock (_gate)
        {
            _gangs.Remove(gang);
        }
    }

    private List<GangJob> Gangs
    {
        get
        {
            lock (_gate)
            {
                return [.. _gangs];
            }
        }
    }

    public async Task WatchAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await LookAsync(cancellation);
                await Task.Delay(200, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
        }
    }

    /// <summary>Gangs that were bound in part for longer than a burst takes, or are now.</summary>
    public IEnumerable<string> Wrong(TimeSpan burst) =>
        Gangs.Where(g => _longest.GetValueOrDefault(g.Name) > burst).Select(g => $"{g.Name} was bound in part for {_longest[g.Name].TotalSeconds:F1} s")
            .Concat(Gangs.Where(g => _bound.GetValueOrDefault(g.Name) is > 0 and var bound && bound < g.Members).Select(g => $"{g.Name} is bound in part"));

    /// <summary>Waits until every gang runs, or has none bound and no room.</summary>
    public Task SettledAsync(TimeSpan limit, int nodes, int gpus, CancellationToken cancellation) => Eventually.TrueAsync(
        () => Task.FromResult(Gangs.All(g => Fits(g, nodes, gpus) is false)),
        limit, () => $"not settled: {string.Join(", ", Gangs.Where(g => Fits(g, nodes, gpus) is not false).Select(g => $"{g.Name} ({g.Dialect}) {_bound.GetValueOrDefault(g.Name)} of {g.Members} x {g.Gpus}"))}; {Summary}", cancellation);

    /// <summary>True when the gang is not whole although there is room.</summary>
    private bool? Fits(GangJob gang, int nodes, int gpus)
    {
        var bound = _bound.GetValueOrDefault(gang.Name);
        if (bound >= gang.Members)
        {
            return false;
        }

        var untouched = nodes - _free.Count;
        var room = _free.Values.Sum(f => f / gang.Gpus) + (untouched * (gpus / gang.Gpus));
        return bound > 0 || room >= gang.Members;
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        var pods = (await client.CoreV1.ListNamespacedPodAsync("default", cancellationToken: cancellation)).Items.Where(p => p.Spec.NodeName is not null).ToList();
        var byGang = pods.CountBy(p => p.Metadata.Labels?["gang"] ?? "").ToDictionary(StringComparer.Ordinal);
        var byName = gangs.ToDictionary(g => g.Name, StringComparer.Ordinal);
        _free = pods.GroupBy(p => p.Spec.NodeName).ToDictionary(n => n.Key, n => 8 - n.Sum(p => byName[p.Metadata.Labels["gang"]].Gpus), StringComparer.Ordinal);
        _bound = byGang;
        foreach (var gang in Gangs)
        {
            var bound = byGang.GetValueOrDefault(gang.Name);
            if (bound == 0 || bound >= gang.Members)
            {
                _partSince.Remove(gang.Name);
                if (bound > 0)
                {
                    _whole.TryAdd(gang.Name, _clock.Elapsed);
                }
            }
            else
            {
                var since = _partSince.TryGetValue(gang.Name, out var known) ? known : _partSince[gang.Name] = _clock.Elapsed;
                var time = _clock.Elapsed - since;
                _longest[gang.Name] = time > _longest.GetValueOrDefault(gang.Name) ? time : _longest.GetValueOrDefault(gang.Name);
            }
        }
    }
}
