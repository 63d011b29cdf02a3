using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using GpuScheduler.Core.Cluster;

namespace GpuScheduler.Kubernetes.Sources;

/// <summary>
/// Puts ResourceSlices together to what they say of each node. Of a pool only the newest generation counts, and only once all its slices
/// are there; until then the last complete one does. To forget that one meanwhile would offer a GPU that it calls unhealthy.
/// </summary>
internal sealed class ResourceSliceTable
{
    private readonly Dictionary<string, ResourceSlice> _slices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<string>> _ofNode = new(StringComparer.Ordinal);
    private Dictionary<(string Node, string Pool), Complete> _complete = [];

    /// <summary>These are all there are.</summary>
    public void Replace(IEnumerable<ResourceSlice> slices)
    {
        _slices.Clear();
        _ofNode.Clear();
        foreach (var slice in slices)
        {
            Put(slice);
        }

        _complete = _complete.Where(c => _ofNode.ContainsKey(c.Key.Node)).ToDictionary();
    }

    /// <summary>One is new or was changed. Returns the nodes of which something else may be said now.</summary>
    public ImmutableArray<string> Upsert(ResourceSlice slice)
    {
        var before = Take(slice.Name);
        Put(slice);
        if (before is not null)
        {
            ForgetIfGone(before.Node);
        }

        return [.. new[] { before?.Node, slice.Node }.OfType<string>().Where(n => n.Length > 0).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>One is gone. Returns the nodes of which something else may be said now.</summary>
    public ImmutableArray<string> Delete(string name)
    {
        if (Take(name) is not { } before)
        {
            return [];
        }

        ForgetIfGone(before.Node);
        return [before.Node];
    }

    /// <summary>What is said of all nodes.</summary>
    public Dictionary<string, NodeStatement> Statements()
    {
        var statements = new Dictionary<string, NodeStatement>(StringComparer.Ordinal);
        foreach (var node in _ofNode.Keys)
        {
            if (StatementOf(node) is { } statement)
            {
                statements[node] = statement;
            }
        }

        return statements;
    }

    /// <summary>What is said of a node; null for nothing.</summary>
    public NodeStatement? StatementOf(string node)
    {
        if (!_ofNode.TryGetValue(node, out var names))
        {
            return null;
        }

        var devices = new List<SliceDevice>();
        var warnings = new List<string>();
        foreach (var pool in names.Select(n => _slices[n]).GroupBy(s => s.Pool, StringComparer.Ordinal).OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            if (!TryRead((node, pool.Key), [.. pool], devices, warnings, out var problem))
            {
                return NodeStatement.Unusable(FactSource.ResourceSlice, problem);
            }
        }

        return TryBuild(devices, out var gpus, out var wrong)
            ? new NodeStatement(FactSource.ResourceSlice, gpus) { Pcie = NodeStatement.PcieBetween(gpus), Warnings = [.. warnings] }
            : NodeStatement.Unusable(FactSource.ResourceSlice, $"the ResourceSlices are not used: {wrong}");
    }

    private bool TryRead((string Node, string Pool) key, List<ResourceSlice> slices, List<SliceDevice> devices, List<string> warnings, [NotNullWhen(false)] out string? problem)
    {
        var newest = slices.Max(s => s.Generation);
        slices.RemoveAll(s => s.Generation < newest);
        problem = slices.Find(s => s.Problem is not null) is { } bad ? $"ResourceSlice {bad.Name} is not used, nor the others of its pool: {bad.Problem}" : null;
        if (problem is not null)
        {
            _complete.Remove(key);
            return false;
        }

        var wanted = slices.Max(s => s.Slices);
        if (slices.Count == wanted)
        {
            _complete[key] = new Complete(newest, [.. slices.OrderBy(s => s.Name, StringComparer.Ordinal).SelectMany(s => s.Devices)]);
        }
        else
        {
            var known = _complete.TryGetValue(key, out var last);
            warnings.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"pool {key.Pool} has {slices.Count} of {wanted} ResourceSlices of generation {newest}: {(known ? $"generation {last!.Generation} counts" : "nothing of it counts")} until all are there"));
        }

        devices.AddRange(_complete.TryGetValue(key, out var complete) ? complete.Devices : []);
        return true;
    }

    private static bool TryBuild(List<SliceDevice> devices, out ImmutableArray<GpuStatement> gpus, [NotNullWhen(false)] out string? problem)
    {
        gpus = [];
        problem = devices.CountBy(d => d.Name, StringComparer.Ordinal).FirstOrDefault(n => n.Value > 1).Key is { } twice ? $"device {twice} is listed twice" : null;
        var built = new List<GpuStatement>();
        foreach (var ofGpu in problem is null ? devices.GroupBy(d => d.GpuUuid, StringComparer.Ordinal) : [])
        {
            built.Add(Gpu([.. ofGpu], ref problem));
        }

        problem ??= built.Count > InterconnectMatrix.MostGpus ? $"{built.Count} GPUs are listed, and at most {InterconnectMatrix.MostGpus} are allowed" : null;
        problem ??= built.CountBy(g => g.Number).FirstOrDefault(n => n.Value > 1) is { Value: > 1 } minor ? $"two GPUs have minor {minor.Key}" : null;
        if (problem is not null)
        {
            return false;
        }

        gpus = [.. built.OrderBy(g => g.Number)];
        return true;
    }

    private static GpuStatement Gpu(List<SliceDevice> devices, ref string? problem)
    {
        var whole = devices.Find(d => d.Mig is null);
        var first = whole ?? devices[0];
        if (devices.Exists(d => d.Minor != first.Minor) || devices.Count(d => d.Mig is null) > 1)
        {
            problem ??= $"UUID {first.GpuUuid} is that of several GPUs";
        }

        var existing = devices.FindAll(d => d is { Mig: not null, MigUuid: not null });
        var taken = 0;
        foreach (var mig in existing.Select(d => d.Mig!.Value))
        {
            problem ??= (taken & mig.Mask) != 0 ? $"MIG devices of GPU {first.GpuUuid} overlap" : null;
            taken |= mig.Mask;
        }

        // A taint is news that only the driver's health check brings: without one nothing is known of health.
        var ill = whole is not null ? whole.Taint : devices.TrueForAll(d => d.Taint is not null) ? first.Taint : null;
        return new GpuStatement
        {
            Number = first.Minor,
            Uuid = first.GpuUuid,
            Product = first.Product,
            MemoryMiB = whole?.MemoryMiB ?? 0,
            Healthy = ill is null ? null : false,
            HealthReason = ill,
            NumaNode = first.NumaNode,
            PciBusId = first.PciBusId,
            PcieRoot = first.PcieRoot,

            // Places where MIG devices could be made, beside the whole GPU, do not tell how it is cut now.
            Mig = existing.Count > 0 ? MigMode.Fixed : whole is null ? MigMode.OnDemand : devices.Count == 1 ? MigMode.Disabled : null,
            Instances = [.. existing.Where(d => d.Taint is null).OrderBy(d => d.Mig!.Value.Start).Select(d => new MigInstance(d.Mig!.Value, d.MigUuid))],
        };
    }

    private void Put(ResourceSlice slice)
    {
        if (slice.Node.Length == 0)
        {
            return;
        }

        _slices[slice.Name] = slice;
        if (!_ofNode.TryGetValue(slice.Node, out var names))
        {
            _ofNode[slice.Node] = names = new HashSet<string>(StringComparer.Ordinal);
        }

        names.Add(slice.Name);
    }

    private ResourceSlice? Take(string name)
    {
        if (!_slices.Remove(name, out var slice))
        {
            return null;
        }

        _ofNode[slice.Node].Remove(name);
        return slice;
    }

    /// <summary>Without any slice left, nothing is said of a node.</summary>
    private void ForgetIfGone(string node)
    {
        if (_ofNode[node].Count > 0)
        {
            return;
        }

        _ofNode.Remove(node);
        foreach (var key in _complete.Keys.Where(k => k.Node == node).ToList())
        {
            _complete.Remove(key);
        }
    }

    private sealed record Complete(long Generation, ImmutableArray<SliceDevice> Devices);
}
