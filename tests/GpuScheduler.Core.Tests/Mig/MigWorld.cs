using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Requests;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Testing;

namespace GpuScheduler.Core.Tests.Mig;

/// <summary>
/// A cluster with a stand-in for the API server (labels of nodes, and what they offer) and for mig-manager, which does one step when it is
/// told to. Whatever the stand-ins do is audited: nothing in use is ever cut anew.
/// </summary>
internal sealed class MigWorld
{
    public const string Product = "NVIDIA-A100-SXM4-80GB";

    private readonly SortedDictionary<string, Dictionary<string, string>> _labels = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _layouts = new(StringComparer.Ordinal);   // what the GPUs are really cut into, by configuration
    private readonly Dictionary<string, (PodInfo Pod, string? Node)> _pods = new(StringComparer.Ordinal);
    private readonly IMigSolver _solver;
    private int _gpus = 2;

    public MigWorld(MigOptions? options = null, IMigSolver? solver = null)
    {
        Options = options ?? new MigOptions { Configs = Configs };
        _solver = solver ?? new GreedyMigSolver();
        Restart();
    }

    public static System.Collections.Immutable.ImmutableArray<MigConfig> Configs { get; } =
    [
        All("all-1g.10gb", ("1g.10gb", 7)),
        All("all-2g.20gb", ("2g.20gb", 3)),
        All("all-3g.40gb", ("3g.40gb", 2)),
        All("all-7g.80gb", ("7g.80gb", 1)),
        All("all-balanced", ("1g.10gb", 2), ("2g.20gb", 1), ("3g.40gb", 1)),
        new("all-disabled", [new MigConfigPart([], null, false, [])]),
    ];

    public MigOptions Options { get; }

    public ManualTimeProvider Time { get; } = new();

    public ClusterState Cluster { get; private set; } = null!;

    public SchedulingEngine Engine { get; private set; } = null!;

    public MigController Controller { get; private set; } = null!;

    public List<MigNotice> Notices { get; } = [];

    public List<PodInfo> Woken { get; } = [];

    public List<MigWrite> Writes { get; } = [];

    /// <summary>What the API server answers to writes; null to do as it should.</summary>
    public Func<MigWrite, MigWriteOutcome?> Answers { get; set; } = _ => null;

    /// <summary>What was found to be wrong.</summary>
    public List<string> Faults { get; } = [];

    public IEnumerable<string> Nodes => _labels.Keys;

    public static MigConfig All(string name, params (string Profile, int Count)[] devices) => new(name, [new MigConfigPart([], null, true, [.. devices])]);

    /// <summary>A new process, which knows what the API has and nothing else.</summary>
    public void Restart()
    {
        Cluster = new ClusterState(Time, new LedgerOptions()) { ClosesChangingNodes = true };
        Engine = new SchedulingEngine(Cluster, new EngineOptions { Profile = Profile.Create(new ScoreWeights()) });
        Controller = new MigController(Cluster, Options, _solver, _ => true);
        foreach (var node in _labels.Keys)
        {
            Show(node);
        }

        foreach (var (pod, node) in _pods.Values)
        {
            if (node is null)
            {
                Cluster.UpsertPod(pod);
            }
            else
            {
                Cluster.UpsertPod(pod with { NodeName = node });
            }
        }
    }

    public MigWorld Node(string name, string config = "all-7g.80gb", bool dynamic = true, int gpus = 2)
    {
        _gpus = gpus;
        _labels[name] = new(StringComparer.Ordinal) { [MigLabels.Config] = config, [MigLabels.State] = MigLabels.Success };
        if (dynamic)
        {
            _labels[name][MigLabels.Dynamic] = "true";
        }

        _layouts[name] = config;
        Show(name);
        return this;
    }

    public void Remove(string node)
    {
        _labels.Remove(node);
        Cluster.DeleteNode(node);
    }

    public string? Label(string node, string label) => _labels[node].GetValueOrDefault(label);

    /// <summary>Somebody else sets a label, or removes it.</summary>
    public void SetLabel(string node, string label, string? value)
    {
        if (value is null)
        {
            _labels[node].Remove(label);
        }
        else
        {
            _labels[node][label] = value;
        }

        Show(node);
    }

    /// <summary>A pod comes and is placed, if there is room.</summary>
    public string? Pod(string uid, string profile, int count = 1, int priority = 0)
    {
        var builder = new PodBuilder(uid).Priority(priority);
        _pods[uid] = ((profile == "gpu" ? builder.Gpus(count) : builder.Mig(profile, count)).Build(), null);
        Cluster.UpsertPod(_pods[uid].Pod);
        return Try(uid);
    }

    /// <summary>Whether a pod that waits has a place now.</summary>
    public string? Try(string uid)
    {
        var (pod, node) = _pods[uid];
        if (node is not null)
        {
            return node;
        }

        var allocation = Engine.Schedule(pod).Allocation;
        node = allocation?.Node;
        if (node is not null)
        {
            _pods[uid] = (pod with { Assignment = allocation!.Devices }, node);
            if (Label(node, MigLabels.To) is not null || Label(node, MigLabels.State) is "pending" or "rebooting")
            {
                Faults.Add($"{uid} was placed on {node}, which is being changed");
            }
        }

        return node;
    }

    public IEnumerable<string> Pods => _pods.Keys;

    public void End(string uid)
    {
        _pods.Remove(uid);
        Cluster.DeletePod(uid);
    }

    /// <summary>A round of the controller.</summary>
    public MigWorld Tick(TimeSpan? after = null)
    {
        Time.Advance(after ?? TimeSpan.Zero);
        foreach (var write in Controller.Tick())
        {
            Writes.Add(write);
            var outcome = Answers(write) ?? (!_labels.ContainsKey(write.Node) ? MigWriteOutcome.Gone : !write.IsForAnyConfig && Label(write.Node, MigLabels.Config) != write.Expected ? MigWriteOutcome.Changed : MigWriteOutcome.Written);
            if (outcome == MigWriteOutcome.Written)
            {
                Apply(write);
            }

            Controller.Written(write, outcome, outcome == MigWriteOutcome.Failed ? "the test said no" : "");
        }

        Notices.AddRange(Controller.TakeNotices());
        Woken.AddRange(Controller.TakeToWake());
        return this;
    }

    /// <summary>Until a pod has waited long enough, and a plan is due.</summary>
    public MigWorld Wait() => Tick().Tick(Options.MinWait + Options.PlanInterval);

    /// <summary>mig-manager begins: the device plugin is stopped.</summary>
    public MigWorld Begin(string node)
    {
        if (_labels[node].GetValueOrDefault(MigLabels.Config) is { Length: > 0 })
        {
            _labels[node][MigLabels.State] = "pending";
            Show(node);
        }

        return this;
    }

    /// <summary>mig-manager ends.</summary>
    public MigWorld Finish(string node, bool succeeds = true)
    {
        var wanted = _labels[node].GetValueOrDefault(MigLabels.Config) ?? _layouts[node];
        if (succeeds && _layouts[node] != wanted)
        {
            // What a driver does when a device is in use.
            if (_pods.Values.Any(p => p.Node == node))
            {
                Faults.Add($"{node} was cut anew while {_pods.First(p => p.Value.Node == node).Key} was on it");
            }

            _layouts[node] = wanted;
        }

        _labels[node][MigLabels.State] = succeeds ? MigLabels.Success : MigLabels.Failed;
        Show(node);
        return this;
    }

    private void Apply(MigWrite write)
    {
        if (write.Labels.ContainsKey(MigLabels.Config) && _pods.FirstOrDefault(p => p.Value.Node == write.Node) is { Key: not null } user)
        {
            Faults.Add($"{write.Node} was asked to change while {user.Key} was on it");
        }

        foreach (var (label, value) in write.Labels)
        {
            SetLabel(write.Node, label, value);
        }
    }

    private void Show(string name)
    {
        var node = new NodeBuilder(name).Product(Product).Count(_gpus).MemoryMiB(81_920);
        foreach (var (label, value) in _labels[name])
        {
            node.Label(label, value);
        }

        var isDown = _labels[name].GetValueOrDefault(MigLabels.State) is "pending" or "rebooting";
        var config = Configs.First(c => c.Name == _layouts[name]).Parts[0];
        if (config.IsEnabled && !isDown)
        {
            foreach (var (profile, count) in config.Devices)
            {
                node.Mig(profile, count * _gpus);
            }
        }
        else if (!isDown)
        {
            node.Whole(_gpus);
        }

        Cluster.UpsertNode(node.Build());
    }
}
