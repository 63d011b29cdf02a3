namespace GpuScheduler.Testing;

/// <summary>
/// Checks who holds what against what nodes have. It knows devices, slices and MiB, and nothing of how they were chosen: it shares
/// no code with the engine.
/// </summary>
public static class ClusterAuditor
{
    /// <summary>Everything that is wrong. Holds on nodes that are not listed are only compared with each other.</summary>
    public static IReadOnlyList<AuditViolation> Audit(IEnumerable<AuditedNode> nodes, IEnumerable<AuditedHold> holds)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        ArgumentNullException.ThrowIfNull(holds);
        var byName = nodes.ToDictionary(n => n.Name);
        var found = new List<AuditViolation>();
        foreach (var onNode in holds.GroupBy(h => h.Node))
        {
            var list = onNode.ToList();
            AuditSharing(list, found);
            foreach (var hold in list)
            {
                AuditRequest(hold, found);
            }

            if (byName.TryGetValue(onNode.Key, out var node))
            {
                AuditNode(node, list, found);
            }
        }

        foreach (var twice in holds.GroupBy(h => h.Pod).Where(g => g.Count() > 1))
        {
            found.Add(new AuditViolation(AuditKind.HeldTwice, [twice.Key], "the pod is on several nodes"));
        }

        return found;
    }

    private static void AuditSharing(List<AuditedHold> holds, List<AuditViolation> found)
    {
        var parts = holds.SelectMany(h => h.Parts.Select(p => (h.Pod, Part: p))).ToList();
        foreach (var gpu in parts.GroupBy(p => p.Part.Gpu))
        {
            var on = gpu.ToList();
            for (var a = 0; a < on.Count; a++)
            {
                for (var b = a + 1; b < on.Count; b++)
                {
                    if (Exclude(on[a].Part, on[b].Part) || (on[a].Pod == on[b].Pod && on[a].Part.IsShare))
                    {
                        found.Add(new AuditViolation(AuditKind.HeldTwice, [on[a].Pod, on[b].Pod], $"GPU {gpu.Key}: {on[a].Part} and {on[b].Part}"));
                    }
                }
            }

            if (on.Sum(p => (long)p.Part.Milli) > 1000)
            {
                found.Add(new AuditViolation(AuditKind.OverCompute, [.. on.Select(p => p.Pod)], $"GPU {gpu.Key}: {on.Sum(p => (long)p.Part.Milli)} milli-GPU"));
            }
        }
    }

    private static bool Exclude(AuditedPart a, AuditedPart b)
    {
        if (a.IsShare && b.IsShare)
        {
            return false;
        }

        if (a.Profile is null || b.Profile is null)
        {
            return true;
        }

        var overlap = a.Start < b.Start + b.Size && b.Start < a.Start + a.Size;
        return overlap || (a.Profile.EndsWith(".me", StringComparison.Ordinal) && b.Profile.EndsWith(".me", StringComparison.Ordinal));
    }

    private static void AuditRequest(AuditedHold hold, List<AuditViolation> found)
    {
        void NotAsAsked(string text) => found.Add(new AuditViolation(AuditKind.NotAsAsked, [hold.Pod], text));
        if (hold.Parts.Count(p => p.IsWhole) != hold.Whole)
        {
            NotAsAsked($"{hold.Parts.Count(p => p.IsWhole)} whole GPUs in place of {hold.Whole}");
        }

        var shares = hold.Parts.Where(p => p.IsShare).ToList();
        if (shares.Count != hold.ShareCount || shares.Any(s => s.MemoryMiB != hold.ShareMemoryMiB || s.Milli != hold.ShareMilli))
        {
            NotAsAsked($"shares {string.Join(' ', shares)} in place of {hold.ShareCount} x ({hold.ShareMemoryMiB} MiB, {hold.ShareMilli} milli)");
        }

        var profiles = hold.Parts.Where(p => p.Profile is not null).CountBy(p => p.Profile!).ToDictionary();
        if (profiles.Count != hold.Mig.Count || hold.Mig.Any(m => profiles.GetValueOrDefault(m.Key) != m.Value))
        {
            NotAsAsked($"MIG {string.Join(' ', profiles)} in place of {string.Join(' ', hold.Mig)}");
        }
    }

    private static void AuditNode(AuditedNode node, List<AuditedHold> holds, List<AuditViolation> found)
    {
        foreach (var hold in holds)
        {
            void Wrong(AuditKind kind, string text) => found.Add(new AuditViolation(kind, [hold.Pod], $"{node.Name}: {text}"));
            foreach (var part in hold.Parts)
            {
                if (part.Gpu < 0 || part.Gpu >= node.Devices.Count)
                {
                    Wrong(AuditKind.UnknownDevice, $"GPU {part.Gpu}");
                    continue;
                }

                var device = node.Devices[part.Gpu];
                var offered = part.Profile is null ? device.OffersWhole : device.Placements.Contains((part.Profile, part.Start, part.Size));
                if (!offered)
                {
                    Wrong(AuditKind.NotOffered, $"{part}");
                }

                var memory = part.Profile is null ? device.MemoryMiB : node.MigMemoryMiB.GetValueOrDefault(part.Profile);
                if (memory < hold.MinMemoryMiB)
                {
                    Wrong(AuditKind.Constraint, $"{part} has {memory} MiB, asked for were {hold.MinMemoryMiB}");
                }
            }

            if (hold.Models.Count > 0 && !hold.Models.Any(m => node.Product.Split('-').Contains(m, StringComparer.OrdinalIgnoreCase)))
            {
                Wrong(AuditKind.Constraint, $"{node.Product} is none of {string.Join('|', hold.Models)}");
            }

            if (hold.NvlinkRequired && !Connected([.. hold.Parts.Select(p => p.Gpu)], node.Linked))
            {
                Wrong(AuditKind.Constraint, $"GPUs {string.Join(' ', hold.Parts.Select(p => p.Gpu))} are not connected");
            }
        }

        var all = holds.SelectMany(h => h.Parts.Select(p => (h.Pod, Part: p))).ToList();
        foreach (var gpu in all.Where(p => p.Part.IsShare && p.Part.Gpu < node.Devices.Count).GroupBy(p => p.Part.Gpu))
        {
            var memory = gpu.Sum(p => (long)p.Part.MemoryMiB);
            if (memory > node.Devices[gpu.Key].MemoryMiB)
            {
                found.Add(new AuditViolation(AuditKind.OverMemory, [.. gpu.Select(p => p.Pod)], $"{node.Name} GPU {gpu.Key}: {memory} MiB"));
            }
        }

        var units = all.Where(p => p.Part.Profile is null).Select(p => p.Part.Gpu).Distinct().Count();
        if (units > node.AllocatableGpus)
        {
            found.Add(new AuditViolation(AuditKind.OverAllocatable, [.. all.Where(p => p.Part.Profile is null).Select(p => p.Pod).Distinct()], $"{node.Name}: {units} GPUs of {node.AllocatableGpus}"));
        }

        foreach (var profile in all.Where(p => p.Part.Profile is not null).GroupBy(p => p.Part.Profile!))
        {
            if (node.AllocatableMig is { } caps && profile.Count() > caps.GetValueOrDefault(profile.Key))
            {
                found.Add(new AuditViolation(AuditKind.OverAllocatable, [.. profile.Select(p => p.Pod)], $"{node.Name}: {profile.Count()} x {profile.Key}"));
            }
        }
    }

    private static bool Connected(List<int> gpus, Func<int, int, bool> linked)
    {
        var reached = new HashSet<int> { gpus[0] };
        for (var grown = true; grown;)
        {
            grown = false;
            foreach (var gpu in gpus)
            {
                if (!reached.Contains(gpu) && reached.Any(r => linked(r, gpu)))
                {
                    grown = reached.Add(gpu);
                }
            }
        }

        return gpus.TrueForAll(reached.Contains);
    }
}
