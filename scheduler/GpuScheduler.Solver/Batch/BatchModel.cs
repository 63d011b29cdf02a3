using System.Collections.Immutable;
using Google.OrTools.Sat;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Solver.Batch;

/// <summary>
/// The compact joint model: which gangs are admitted, and in which domain of its required level each lies. Members are told apart by
/// size only; how many of each size come into a domain from gangs that lie further out is one variable for all of these. Since sizes
/// nest, a set of nodes takes the members exactly when a few sums say so (<see cref="NestedSizes"/>), so that nodes need no variables.
/// </summary>
internal sealed class BatchModel
{
    /// <summary>
    /// The linear relaxation at its strongest: <see cref="AddSums"/> makes it tight, and most proofs come from there. Symmetries take more
    /// time to find than they save.
    /// </summary>
    public const string Parameters = "linearization_level:2,symmetry_level:0,cp_model_probing_level:1";

    private readonly GangBatch _batch;
    private readonly WholeGpuCapacity _capacity;
    private readonly int[] _firstRole;
    private readonly List<MemberKind> _kinds = [];
    private readonly List<Shape> _shapes = [];
    private readonly List<int> _levels = []; // innermost first; the last is the whole cluster
    private readonly List<bool[]> _masks = [];
    private readonly bool[] _isIn;
    private readonly BoolVar?[] _admitted;
    private readonly Dictionary<(int LevelIndex, int Domain, int Kind), IntVar> _inflow = [];
    private readonly List<Cell>[] _cells; // by domain of the innermost level
    private readonly long[][][] _offers;  // by index of the level, domain and kind: GPUs of nodes in units of the kind's size
    private readonly List<(Shape Shape, IntVar Variable)>[][] _placed; // by index of the level and domain
    private readonly List<int>[][] _inside; // by index of the level and domain: domains of the next level inwards
    private readonly ImmutableArray<GangSlot>?[] _slots;
    private readonly List<List<LinearExpr>[][]> _charges = []; // by index of the level, domain and kind: what gangs there and further inside take
    private LinearExpr? _worth;

    private BatchModel(GangBatch batch, WholeGpuCapacity capacity, ImmutableArray<GangSlot>?[] slots)
    {
        _batch = batch;
        _slots = slots;
        _capacity = capacity;
        _isIn = new bool[batch.Gangs.Length];
        _admitted = new BoolVar?[batch.Gangs.Length];
        _firstRole = new int[batch.Gangs.Length];
        for (var gang = 1; gang < batch.Gangs.Length; gang++)
        {
            _firstRole[gang] = _firstRole[gang - 1] + batch.Gangs[gang - 1].Roles.Length;
        }

        Sort();
        _cells = _levels.Count == 0 ? [] : new List<Cell>[DomainCount(_levels[0])];
        _offers = new long[_levels.Count][][];
        _placed = [.. _levels.Select(l => Enumerable.Range(0, DomainCount(l)).Select(_ => new List<(Shape, IntVar)>()).ToArray())];
        _inside = [.. _levels.Select(l => Enumerable.Range(0, DomainCount(l)).Select(_ => new List<int>()).ToArray())];
        for (var l = 1; l < _levels.Count; l++)
        {
            for (var child = 0; child < DomainCount(_levels[l - 1]); child++)
            {
                _inside[l][Outer(l - 1, child)].Add(child);
            }
        }
    }

    /// <summary>The model.</summary>
    public CpModel Model { get; } = new();

    /// <summary>True when every gang of the batch is in the model, so that its bound holds for the batch.</summary>
    public bool IsWhole => _isIn.All(i => i);

    /// <summary>The gangs that are in the model.</summary>
    public IEnumerable<int> Gangs => _shapes.SelectMany(s => s.Gangs);

    /// <summary>Tells the optimizer what is known of the bound: of the gangs in the model, by weight.</summary>
    public void Bound(long worth) => Model.Add(_worth! <= worth);

    /// <summary>The model of a batch; null when none of its gangs can be in it.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="slots">A plan to begin with: none is asked for that is worth less. Gangs that are not in the model stay where it has them.</param>
    public static BatchModel? Build(GangBatch batch, ImmutableArray<GangSlot>?[] slots)
    {
        if (batch.Capacity is not WholeGpuCapacity capacity)
        {
            return null;
        }

        var roles = Enumerable.Range(0, capacity.Demands.Length).Where(r => capacity.Demands[r].Gpus > 0).ToArray();
        if (roles.Length == 0 || !NestedSizes.CpuAndMemorySuffice(capacity, roles))
        {
            return null;
        }

        var model = new BatchModel(batch, capacity, slots);
        if (model._shapes.Count == 0)
        {
            return null;
        }

        model.AddCells();
        model.AddOffers();
        model.AddShapes();
        model.AddFlows();
        model.AddObjective();
        model.HintShapes();
        model.HintFlows();
        return model;
    }

    /// <summary>
    /// The same gangs on the cluster as one set of nodes: a small model, solved in milliseconds, whose optimum is a bound on that of the
    /// whole one, and a good one where gangs are small beside their domains. Its variables are the gangs of <see cref="Gangs"/>.
    /// </summary>
    public CpModel Relaxed()
    {
        var model = new CpModel();
        var gangs = _shapes.SelectMany(s => s.Gangs.Select(g => (Gang: g, Shape: s, Admitted: model.NewBoolVar("")))).ToList();
        var top = _levels.Count - 1;
        for (var kind = 0; kind < _kinds.Count; kind++)
        {
            var loads = gangs.Select(g => LoadOf(g.Shape, kind));
            model.Add(LinearExpr.WeightedSum(gangs.Select(g => (LinearExpr)g.Admitted), loads) <= _offers[top][0][kind]);
        }

        // Of gangs of S GPUs and more that have to lie in one domain, a domain holds no more than ⌊its GPUs / S⌋, those of 2·S counted twice.
        foreach (var (levelIndex, kind, unit) in Units())
        {
            var some = gangs.Where(g => g.Shape.LevelIndex == levelIndex && LoadOf(g.Shape, kind) >= unit).ToList();
            model.Add(LinearExpr.WeightedSum(some.Select(g => (LinearExpr)g.Admitted), some.Select(g => LoadOf(g.Shape, kind) / unit)) <= _offers[levelIndex].Sum(o => o[kind] / unit));
        }

        model.Maximize(LinearExpr.WeightedSum(gangs.Select(g => (LinearExpr)g.Admitted), gangs.Select(g => _batch.Gangs[g.Gang].Weight)));
        return model;
    }

    /// <summary>Levels, kinds, and the sizes of gangs that have to lie in one domain of the level, in GPUs of members of at least the kind's size.</summary>
    private IEnumerable<(int LevelIndex, int Kind, long Unit)> Units() =>
        from shape in _shapes
        where shape.LevelIndex < _levels.Count - 1
        from kind in Enumerable.Range(0, _kinds.Count)
        let load = LoadOf(shape, kind)
        where load > 0
        group load by (shape.LevelIndex, kind) into loads
        from unit in loads.Distinct()
        select (loads.Key.LevelIndex, loads.Key.kind, unit);

    /// <summary>GPUs that a gang's members of at least a kind's size, and of its mask, take.</summary>
    private long LoadOf(Shape shape, int kind) =>
        shape.Members.Where(m => IsAtLeast(m.Kind, kind)).Sum(m => (long)m.Count * _kinds[m.Kind].Gpus);

    /// <summary>What a solution is worth, with the gangs that are not in the model.</summary>
    public long WorthOf(long[] values)
    {
        var worth = 0L;
        for (var gang = 0; gang < _isIn.Length; gang++)
        {
            worth += (_isIn[gang] ? values[_admitted[gang]!.Index] == 1 : _slots[gang] is not null) ? _batch.Gangs[gang].Weight : 0;
        }

        return worth;
    }

    /// <summary>The placement of a solution.</summary>
    public ImmutableArray<GangSlot>?[] Read(long[] values)
    {
        var result = new ImmutableArray<GangSlot>?[_isIn.Length];
        var builders = new Dictionary<int, Dictionary<(int Role, int Position), int>>();
        for (var gang = 0; gang < result.Length; gang++)
        {
            if (!_isIn[gang])
            {
                result[gang] = _slots[gang];
            }
            else if (values[_admitted[gang]!.Index] == 1)
            {
                builders[gang] = [];
            }
        }

        // From the outside inwards: what comes in, and the gangs that lie here, are dealt out to the domains inside.
        var parts = new List<Part>[1];
        parts[0] = [];
        var next = _shapes.Select(s => new Queue<int>(s.Gangs.Where(g => builders.ContainsKey(g)))).ToArray();
        for (var l = _levels.Count - 1; l >= 0; l--)
        {
            for (var s = 0; s < _shapes.Count; s++)
            {
                foreach (var (domain, variable) in _shapes[s].LevelIndex == l ? _shapes[s].Places : [])
                {
                    for (var n = values[variable.Index]; n > 0; n--)
                    {
                        var gang = next[s].Dequeue();
                        parts[domain].AddRange(_shapes[s].Members.Select(m => new Part(gang, m.Role, m.Kind, m.Count)));
                    }
                }
            }

            if (l > 0)
            {
                parts = DealOut(l, parts, values);
            }
        }

        for (var domain = 0; domain < parts.Length; domain++)
        {
            FillCells(_cells[domain], parts[domain], values, builders);
        }

        foreach (var (gang, counts) in builders)
        {
            result[gang] = [.. counts.OrderBy(c => c.Key.Role).ThenBy(c => _batch.Topology.PlaceOf(c.Key.Position)).Select(c => new GangSlot(c.Key.Role, c.Key.Position, c.Value))];
        }

        return result;
    }

    private int DomainCount(int level) => _batch.Topology.Domains(level).Length;

    private int Outer(int levelIndex, int domain)
    {
        var first = _batch.Topology.Domains(_levels[levelIndex])[domain].First;
        return _batch.Topology.DomainsByPlace(_levels[levelIndex + 1])[first];
    }

    /// <summary>Which gangs are in the model, and which are alike.</summary>
    private void Sort()
    {
        var topology = _batch.Topology;
        var byKey = new Dictionary<string, Shape>(StringComparer.Ordinal);
        var candidates = new List<(int Gang, int Level, List<(int Role, int Mask, int Gpus, int Count)> Members)>();
        for (var gang = 0; gang < _batch.Gangs.Length; gang++)
        {
            if (Members(gang) is { } members)
            {
                candidates.Add((gang, _batch.Gangs[gang].RequiredLevel ?? topology.ClusterLevel, members));
            }
        }

        var sizes = candidates.SelectMany(c => c.Members).Select(m => m.Gpus).Distinct().Order().ToList();
        // Sizes that do not nest leave the model, the rarest first.
        while (sizes.Count > 0 && !NestedSizes.AreNested([.. sizes]))
        {
            var rarest = sizes.MinBy(s => candidates.Count(c => c.Members.Any(m => m.Gpus == s)));
            candidates.RemoveAll(c => c.Members.Any(m => m.Gpus == rarest));
            sizes.Remove(rarest);
        }

        if (candidates.Count == 0)
        {
            return;
        }

        // A gang that has to lie on one node is one member of all its GPUs, and lies anywhere.
        _levels.AddRange(candidates.Select(c => c.Level).Where(l => l > NetworkTopology.NodeLevel).Append(topology.ClusterLevel).Distinct().Order());
        foreach (var (gang, level, members) in candidates)
        {
            _isIn[gang] = true;
            var levelIndex = _levels.IndexOf(level == NetworkTopology.NodeLevel ? topology.ClusterLevel : level);
            var kinds = members.Select(m => (m.Role, Kind: KindOf(m.Gpus, m.Mask), m.Count)).OrderBy(m => m.Kind).ToList();
            var key = $"{levelIndex}:{level == NetworkTopology.NodeLevel}:{string.Join(',', kinds.Select(k => $"{k.Role}/{k.Kind}x{k.Count}"))}";
            if (!byKey.TryGetValue(key, out var shape))
            {
                byKey[key] = shape = new Shape(levelIndex, kinds, [], []);
                _shapes.Add(shape);
            }

            shape.Gangs.Add(gang);
        }

        foreach (var shape in _shapes)
        {
            shape.Gangs.Sort((a, b) => _batch.Gangs[a].Weight != _batch.Gangs[b].Weight ? _batch.Gangs[b].Weight.CompareTo(_batch.Gangs[a].Weight) : a.CompareTo(b));
        }
    }

    /// <summary>The members that a gang needs; null for a gang that the model cannot hold.</summary>
    private List<(int Role, int Mask, int Gpus, int Count)>? Members(int gang)
    {
        var wanted = _batch.Gangs[gang];
        var members = new List<(int Role, int Mask, int Gpus, int Count)>();
        var roles = BatchLedger.Needed(wanted);
        for (var role = 0; role < roles.Length; role++)
        {
            var demand = _capacity.Demands[_firstRole[gang] + role];
            if (demand.Gpus == 0 || roles[role].Spread is not null || roles[role].Segment is { Members: > 1 })
            {
                return null;
            }

            if (roles[role].Min > 0)
            {
                members.Add((role, MaskOf(demand.Allowed), demand.Gpus, roles[role].Min));
            }
        }

        if (wanted.RequiredLevel == NetworkTopology.NodeLevel)
        {
            // Role -1: all of them, dealt out again when they are written down.
            return members.Select(m => m.Mask).Distinct().Count() == 1 ? [(-1, members[0].Mask, members.Sum(m => m.Gpus * m.Count), 1)] : null;
        }

        return members.Count == 0 ? null : members;
    }

    private int MaskOf(bool[]? allowed)
    {
        allowed ??= [.. Enumerable.Repeat(true, _batch.Topology.Positions)];
        var mask = _masks.FindIndex(m => m.AsSpan().SequenceEqual(allowed));
        if (mask < 0)
        {
            mask = _masks.Count;
            _masks.Add(allowed);
        }

        return mask;
    }

    private int KindOf(int gpus, int mask)
    {
        var kind = _kinds.IndexOf(new MemberKind(gpus, mask));
        if (kind < 0)
        {
            kind = _kinds.Count;
            _kinds.Add(new MemberKind(gpus, mask));
        }

        return kind;
    }

    /// <summary>Cuts the domains of the innermost level into nodes that the same members may go to.</summary>
    private void AddCells()
    {
        var free = _capacity.Gpus.ToArray();
        for (var gang = 0; gang < _isIn.Length; gang++)
        {
            foreach (var slot in _isIn[gang] ? [] : _slots[gang] ?? [])
            {
                free[slot.Position] -= slot.Members * _capacity.Demands[_firstRole[gang] + slot.Role].Gpus;
            }
        }

        var domains = _batch.Topology.Domains(_levels[0]);
        for (var d = 0; d < domains.Length; d++)
        {
            _cells[d] = [];
            var byMasks = new Dictionary<string, Cell>(StringComparer.Ordinal);
            for (var place = domains[d].First; place < domains[d].End; place++)
            {
                var position = _batch.Topology.Order[place];
                if (free[position] <= 0)
                {
                    continue;
                }

                var key = string.Concat(_masks.Select(m => m[position] ? '1' : '0'));
                if (!byMasks.TryGetValue(key, out var cell))
                {
                    byMasks[key] = cell = new Cell([], []);
                    _cells[d].Add(cell);
                }

                cell.Nodes.Add((position, free[position]));
            }
        }
    }

    private void AddOffers()
    {
        for (var l = 0; l < _levels.Count; l++)
        {
            _offers[l] = new long[DomainCount(_levels[l])][];
            for (var domain = 0; domain < _offers[l].Length; domain++)
            {
                _offers[l][domain] = new long[_kinds.Count];
            }

            for (var domain = 0; domain < _cells.Length; domain++)
            {
                var outer = _batch.Topology.DomainsByPlace(_levels[l])[_batch.Topology.Domains(_levels[0])[domain].First];
                for (var kind = 0; kind < _kinds.Count; kind++)
                {
                    foreach (var cell in _cells[domain])
                    {
                        _offers[l][outer][kind] += cell.Allows(_masks[_kinds[kind].Mask]) ? cell.Offer(_kinds[kind].Gpus) : 0;
                    }
                }
            }
        }
    }

    private void AddObjective()
    {
        var gangs = Enumerable.Range(0, _isIn.Length).Where(g => _isIn[g]).ToList();
        var worth = LinearExpr.WeightedSum(gangs.Select(g => (LinearExpr)_admitted[g]!), gangs.Select(g => _batch.Gangs[g].Weight));
        _worth = worth;
        Model.Maximize(worth);
        Model.Add(worth >= gangs.Where(g => _slots[g] is not null).Sum(g => _batch.Gangs[g].Weight));
    }

    private void AddShapes()
    {
        foreach (var shape in _shapes)
        {
            var level = _levels[shape.LevelIndex];
            for (var domain = 0; domain < DomainCount(level); domain++)
            {
                var most = (long)shape.Gangs.Count;
                foreach (var (_, kind, _) in shape.Members)
                {
                    most = Math.Min(most, _offers[shape.LevelIndex][domain][kind] / LoadOf(shape, kind));
                }

                if (most > 0)
                {
                    var variable = Model.NewIntVar(0, most, "");
                    shape.Places.Add((domain, variable));
                    _placed[shape.LevelIndex][domain].Add((shape, variable));
                }
            }

            foreach (var gang in shape.Gangs)
            {
                _admitted[gang] = Model.NewBoolVar("");
            }

            Model.Add(LinearExpr.Sum(shape.Places.Select(p => (LinearExpr)p.Variable)) == LinearExpr.Sum(shape.Gangs.Select(g => (LinearExpr)_admitted[g]!)));

            // Of gangs that are alike the heavier ones come first.
            for (var i = 1; i < shape.Gangs.Count; i++)
            {
                Model.AddImplication(_admitted[shape.Gangs[i]]!, _admitted[shape.Gangs[i - 1]]!);
            }
        }
    }

    private void AddFlows()
    {
        for (var l = _levels.Count - 1; l >= 0; l--)
        {
            for (var domain = 0; domain < DomainCount(_levels[l]); domain++)
            {
                for (var kind = 0; kind < _kinds.Count; kind++)
                {
                    var here = Here(l, domain, kind);
                    if (l == 0)
                    {
                        AddToCells(domain, kind, here);
                    }
                    else if (here.Count > 0)
                    {
                        AddInside(l, domain, kind, here);
                    }
                }
            }
        }

        for (var l = 0; l < _levels.Count; l++)
        {
            AddSums(l);
        }

        foreach (var cell in _cells.SelectMany(c => c))
        {
            foreach (var size in _kinds.Select(k => k.Gpus).Distinct())
            {
                var load = cell.Load.Where(p => _kinds[p.Kind].Gpus >= size).ToList();
                if (load.Count > 0)
                {
                    Model.Add(LinearExpr.Sum(load.Select(p => p.Members * _kinds[p.Kind].Gpus)) <= cell.Offer(size));
                }
            }
        }
    }

    /// <summary>
    /// For a size: the members of at least it that a domain takes, those of gangs that lie in it or further inside included. Beside the
    /// members themselves each gang is charged with what its smaller ones break: those that the domain's scraps (what is of no use to
    /// members of the size) do not hold take from what is. No placement is lost: (load − scraps)⁺ is superadditive, so gangs that share the
    /// scraps break at least the sum of it, in one domain as in domains of domains. But a relaxed one can no longer spread a gang over many
    /// domains to live on the scraps of all.
    /// </summary>
    private void AddSums(int l)
    {
        var charges = _charges.Count == 0 ? null : _charges[^1];
        _charges.Add([.. Enumerable.Range(0, DomainCount(_levels[l])).Select(_ => Enumerable.Range(0, _kinds.Count).Select(_ => new List<LinearExpr>()).ToArray())]);
        for (var domain = 0; domain < DomainCount(_levels[l]); domain++)
        {
            for (var kind = 0; kind < _kinds.Count; kind++)
            {
                var sum = _charges[^1][domain][kind];
                var breaks = false;
                foreach (var (shape, variable) in _placed[l][domain])
                {
                    var own = LoadOf(shape, kind);
                    var broken = BrokenBy(shape, _offers[l][domain], kind);
                    breaks |= broken > 0;
                    if (own + broken > 0)
                    {
                        sum.Add(variable * (own + broken));
                    }
                }

                foreach (var child in _inside[l][domain])
                {
                    sum.AddRange(charges![child][kind]);
                }

                var coming = Enumerable.Range(0, _kinds.Count).Where(k => IsAtLeast(k, kind) && _inflow.ContainsKey((l, domain, k))).Select(k => _inflow[(l, domain, k)] * _kinds[k].Gpus);
                // The cells of an innermost domain say all the rest.
                if (l > 0 ? sum.Count > 0 : breaks)
                {
                    Model.Add(LinearExpr.Sum(sum.Concat(coming)) <= _offers[l][domain][kind]);
                }
            }
        }
    }

    /// <summary>GPUs in units of a kind's size that a gang's smaller members take at least, alone in a domain.</summary>
    private long BrokenBy(Shape shape, long[] offers, int kind)
    {
        var broken = 0L;
        for (var lower = 0; lower < _kinds.Count; lower++)
        {
            if (IsAtLeast(kind, lower))
            {
                broken = Math.Max(broken, LoadOf(shape, lower) - LoadOf(shape, kind) - (offers[lower] - offers[kind]));
            }
        }

        return broken;
    }

    private bool IsAtLeast(int kind, int size) => _kinds[kind].Mask == _kinds[size].Mask && _kinds[kind].Gpus >= _kinds[size].Gpus;

    /// <summary>Members of a kind in a domain: those that come in, and those of gangs that lie here.</summary>
    private List<LinearExpr> Here(int l, int domain, int kind)
    {
        var here = new List<LinearExpr>();
        if (_inflow.TryGetValue((l, domain, kind), out var inflow))
        {
            here.Add(inflow);
        }

        foreach (var (shape, variable) in _placed[l][domain])
        {
            foreach (var member in shape.Members)
            {
                if (member.Kind == kind)
                {
                    here.Add(variable * member.Count);
                }
            }
        }

        return here;
    }

    private void AddInside(int l, int domain, int kind, List<LinearExpr> here)
    {
        var inside = new List<LinearExpr>();
        foreach (var child in _inside[l][domain])
        {
            if (_offers[l - 1][child][kind] / _kinds[kind].Gpus is > 0 and var most)
            {
                var variable = Model.NewIntVar(0, most, "");
                _inflow[(l - 1, child, kind)] = variable;
                inside.Add(variable);
            }
        }

        Model.Add(LinearExpr.Sum(inside) == LinearExpr.Sum(here));
    }

    private void AddToCells(int domain, int kind, List<LinearExpr> here)
    {
        if (here.Count == 0)
        {
            return;
        }

        var cells = _cells[domain].Where(c => c.Allows(_masks[_kinds[kind].Mask])).ToList();
        var members = LinearExpr.Sum(here);
        if (cells.Count == 1)
        {
            cells[0].Load.Add((kind, members, null));
            return;
        }

        var parts = cells.Select(c => (Cell: c, Part: Model.NewIntVar(0, c.Offer(_kinds[kind].Gpus) / _kinds[kind].Gpus, ""))).ToList();
        foreach (var (cell, part) in parts)
        {
            cell.Load.Add((kind, part, part));
        }

        Model.Add(LinearExpr.Sum(parts.Select(p => (LinearExpr)p.Part)) == members);
    }

    private void HintShapes()
    {
        foreach (var shape in _shapes)
        {
            var placed = shape.Gangs.Where(g => _slots[g] is not null).ToList();
            for (var i = 0; i < shape.Gangs.Count; i++)
            {
                Model.AddHint(_admitted[shape.Gangs[i]]!, i < placed.Count);
            }

            var byDomain = placed.CountBy(g => _batch.Topology.DomainOf(_levels[shape.LevelIndex], _slots[g]!.Value[0].Position)).ToDictionary();
            foreach (var (domain, variable) in shape.Places)
            {
                Model.AddHint(variable, byDomain.GetValueOrDefault(domain));
            }
        }
    }

    private void HintFlows()
    {
        var flows = new Dictionary<(int, int, int), long>();
        foreach (var shape in _shapes)
        {
            foreach (var gang in shape.Gangs.Where(g => _slots[g] is not null))
            {
                foreach (var (role, kind, _) in shape.Members)
                {
                    var own = _slots[gang]!.Value;
                    foreach (var slot in role < 0 ? [own[0] with { Members = 1 }] : own.Where(s => s.Role == role))
                    {
                        for (var l = 0; l < shape.LevelIndex; l++)
                        {
                            var key = (l, _batch.Topology.DomainOf(_levels[l], slot.Position), kind);
                            flows[key] = flows.GetValueOrDefault(key) + slot.Members;
                        }
                    }
                }
            }
        }

        foreach (var (key, variable) in _inflow)
        {
            Model.AddHint(variable, flows.GetValueOrDefault(key));
        }
    }

    /// <summary>Deals the members of every domain out to the domains inside, as the solution says how many of a kind each gets.</summary>
    private List<Part>[] DealOut(int l, List<Part>[] parts, long[] values)
    {
        var inside = new List<Part>[DomainCount(_levels[l - 1])];
        for (var child = 0; child < inside.Length; child++)
        {
            inside[child] = [];
        }

        for (var domain = 0; domain < parts.Length; domain++)
        {
            foreach (var byKind in parts[domain].GroupBy(p => p.Kind))
            {
                var quotas = _inside[l][domain]
                    .Where(c => _inflow.ContainsKey((l - 1, c, byKind.Key)))
                    .Select(c => (Child: c, Left: (int)values[_inflow[(l - 1, c, byKind.Key)].Index]))
                    .Where(q => q.Left > 0).ToList();
                Deal(byKind, quotas, (part, child) => inside[child].Add(part));
            }
        }

        return inside;
    }

    /// <summary>The largest part first, into the smallest quota that takes it whole, else into the largest.</summary>
    private static void Deal(IEnumerable<Part> parts, List<(int Child, int Left)> quotas, Action<Part, int> give)
    {
        foreach (var part in parts.OrderByDescending(p => p.Members).ThenBy(p => p.Gang).ThenBy(p => p.Role))
        {
            var left = part.Members;
            while (left > 0)
            {
                var best = -1;
                for (var i = 0; i < quotas.Count; i++)
                {
                    var better = best < 0 || (quotas[i].Left >= left
                        ? quotas[best].Left < left || quotas[i].Left < quotas[best].Left
                        : quotas[best].Left < left && quotas[i].Left > quotas[best].Left);
                    best = better ? i : best;
                }

                var taken = Math.Min(left, quotas[best].Left);
                give(part with { Members = taken }, quotas[best].Child);
                left -= taken;
                quotas[best] = (quotas[best].Child, quotas[best].Left - taken);
                if (quotas[best].Left == 0)
                {
                    quotas.RemoveAt(best);
                }
            }
        }
    }

    private void FillCells(List<Cell> cells, List<Part> parts, long[] values, Dictionary<int, Dictionary<(int Role, int Position), int>> counts)
    {
        var byCell = cells.Select(_ => new List<Part>()).ToList();
        foreach (var byKind in parts.GroupBy(p => p.Kind))
        {
            var quotas = new List<(int Child, int Left)>();
            for (var c = 0; c < cells.Count; c++)
            {
                foreach (var (kind, _, part) in cells[c].Load.Where(p => p.Kind == byKind.Key))
                {
                    quotas.Add((c, part is null ? byKind.Sum(p => p.Members) : (int)values[part.Index]));
                }
            }

            Deal(byKind, [.. quotas.Where(q => q.Left > 0)], (part, cell) => byCell[cell].Add(part));
        }

        for (var c = 0; c < cells.Count; c++)
        {
            var free = cells[c].Nodes.Select(n => n.Free).ToArray();
            foreach (var part in byCell[c].OrderByDescending(p => _kinds[p.Kind].Gpus).ThenBy(p => p.Gang))
            {
                for (var n = 0; n < part.Members; n++)
                {
                    var best = -1;
                    for (var i = 0; i < free.Length; i++)
                    {
                        if (free[i] >= _kinds[part.Kind].Gpus && (best < 0 || free[i] < free[best]))
                        {
                            best = i;
                        }
                    }

                    free[best] -= _kinds[part.Kind].Gpus;
                    Count(part, cells[c].Nodes[best].Position, counts[part.Gang]);
                }
            }
        }
    }

    private void Count(Part part, int position, Dictionary<(int Role, int Position), int> counts)
    {
        if (part.Role >= 0)
        {
            counts[(part.Role, position)] = counts.GetValueOrDefault((part.Role, position)) + 1;
            return;
        }

        var roles = BatchLedger.Needed(_batch.Gangs[part.Gang]);
        for (var role = 0; role < roles.Length; role++)
        {
            if (roles[role].Min > 0)
            {
                counts[(role, position)] = roles[role].Min;
            }
        }
    }

    /// <summary>Members that are alike to the model.</summary>
    private readonly record struct MemberKind(int Gpus, int Mask);

    /// <summary>Some members of a gang, on their way to a node.</summary>
    private readonly record struct Part(int Gang, int Role, int Kind, int Members);

    /// <summary>Gangs that ask for the same on the same level, and how many of them lie where.</summary>
    private sealed record Shape(int LevelIndex, List<(int Role, int Kind, int Count)> Members, List<int> Gangs, List<(int Domain, IntVar Variable)> Places);

    /// <summary>Nodes of a domain to which the same members may go, and which members they get.</summary>
    private sealed record Cell(List<(int Position, int Free)> Nodes, List<(int Kind, LinearExpr Members, IntVar? Part)> Load)
    {
        public long Offer(int size) => Nodes.Sum(n => (long)(n.Free / size * size));

        public bool Allows(bool[] mask) => mask[Nodes[0].Position];
    }
}
