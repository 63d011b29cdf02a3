using System.Diagnostics.CodeAnalysis;
using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Mig;
using GpuScheduler.Core.Reservations;
using GpuScheduler.Extender.Canary;
using GpuScheduler.Extender.Decisions;
using GpuScheduler.Extender.ExternalMetrics;
using GpuScheduler.Extender.Forecasting;
using GpuScheduler.Extender.Observability;
using GpuScheduler.Extender.Profiles;
using GpuScheduler.Extender.Shadow;
using GpuScheduler.Extender.Verbs;

namespace GpuScheduler.Extender;

/// <summary>
/// Everything that can be set: on the command line, in the environment (prefix GPU_SCHEDULER_, double underscore for a colon) or in
/// a JSON file (--config), in this order of precedence. Checked at start, and whenever the file changes, by <see cref="ExtenderOptionsValidator"/>.
/// </summary>
public sealed class ExtenderOptions
{
    /// <summary>Where the verbs are served, over HTTP and gRPC on the same port, separated by ';'. https:// needs <see cref="Tls"/>.</summary>
    public string Urls { get; set; } = "http://127.0.0.1:18888";

    /// <summary>Where only health and metrics are served, without TLS, separated by ';'. When empty they are on Urls alone.</summary>
    public string HealthUrls { get; set; } = "";

    /// <summary>A snapshot file to serve from instead of a cluster.</summary>
    public string? Cluster { get; set; }

    /// <summary>The kubeconfig file; when empty the service account in a pod, else KUBECONFIG or ~/.kube/config.</summary>
    public string? Kubeconfig { get; set; }

    /// <summary>Passes every known node and binds without devices: a yardstick for measurements, not for use.</summary>
    public bool DoNothing { get; set; }

    /// <summary>How decisions are made.</summary>
    public EngineSettings Engine { get; set; } = new();

    /// <summary>Profiles by name, to be tried beside the one that serves.</summary>
    public Dictionary<string, ProfileSettings> Profiles { get; set; } = new(StringComparer.Ordinal);

    /// <summary>One of these that serves a share of the namespaces.</summary>
    public CanaryOptions Canary { get; set; } = new();

    /// <summary>A profile that decides without effect.</summary>
    public ShadowSettings Shadow { get; set; } = new();

    /// <summary>How long holds last.</summary>
    public LedgerOptions Holds { get; set; } = new();

    /// <summary>How long a bind may take in all. Below kube-scheduler's httpTimeout, or its answer comes too late.</summary>
    public TimeSpan BindTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// The httpTimeout of the extender in kube-scheduler's configuration, which ends its calls. It changes nothing here: it is what
    /// <see cref="BindTimeout"/> and the wait of gangs at bind are checked against.
    /// </summary>
    public TimeSpan HttpTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Pods that are placed together or not at all.</summary>
    public GangSettings Gangs { get; set; } = new();

    /// <summary>The words of other GPU sharing stacks.</summary>
    public DialectSettings Dialects { get; set; } = new();

    /// <summary>Nodes whose MIG layout is changed for pods that find no place.</summary>
    public MigSettings Mig { get; set; } = new();

    /// <summary>What is remembered of decisions.</summary>
    public DecisionSettings Decisions { get; set; } = new();

    /// <summary>Decisions as lines of a file.</summary>
    public AuditSettings Audit { get; set; } = new();

    /// <summary>A recording that can be replayed.</summary>
    public RecordingSettings Recording { get; set; } = new();

    /// <summary>The queue as external.metrics.k8s.io, for autoscalers.</summary>
    public ExternalMetricsSettings ExternalMetrics { get; set; } = new();

    /// <summary>The forecast of GPU demand.</summary>
    public ForecastSettings Forecast { get; set; } = new();

    /// <summary>Where traces are sent.</summary>
    public OtlpSettings Otlp { get; set; } = new();

    /// <summary>What is accepted.</summary>
    public LimitSettings Limits { get; set; } = new();

    /// <summary>Several replicas of which one decides.</summary>
    public LeaderElectionSettings LeaderElection { get; set; } = new();

    /// <summary>Who may look.</summary>
    public AccessSettings Access { get; set; } = new();

    /// <summary>Certificates.</summary>
    public TlsSettings Tls { get; set; } = new();

    /// <summary>Pods that are placed together or not at all.</summary>
    public sealed class GangSettings
    {
        /// <summary>False to place members one by one, as if nothing declared a gang.</summary>
        public bool Enabled { get; set; } = true;

        /// <summary>How long the first member of a gang waits at bind for the others (<see cref="GangOptions.BarrierTimeout"/>).</summary>
        public TimeSpan BarrierTimeout { get; set; } = TimeSpan.FromSeconds(15);

        /// <summary>How long places are held for a gang of which no member shows (<see cref="GangOptions.PlanHold"/>).</summary>
        public TimeSpan PlanHold { get; set; } = TimeSpan.FromSeconds(60);

        /// <summary>How long a gang that did not come together leaves its devices to others, at first (<see cref="GangOptions.Backoff"/>).</summary>
        public TimeSpan Backoff { get; set; } = TimeSpan.FromSeconds(2);

        /// <summary>How long one gang may be thought about (<see cref="GangOptions.SolveLimit"/>).</summary>
        public TimeSpan SolveLimit { get; set; } = TimeSpan.FromMilliseconds(500);

        /// <summary>False to keep no nodes for the gang that is due next (<see cref="GangOptions.KeepForNext"/>).</summary>
        public bool KeepForNext { get; set; } = true;

        /// <summary>How long nodes are kept for one gang before it is the turn of others (<see cref="GangOptions.KeepLimit"/>).</summary>
        public TimeSpan KeepLimit { get; set; } = TimeSpan.FromHours(1);

        /// <summary>
        /// Less urgent jobs are removed, whole, for a gang that has a place then and has none without (<see cref="GangOptions.Preempts"/>). It
        /// needs the right to delete pods; it is never done with a snapshot file.
        /// </summary>
        public bool Preempt { get; set; } = true;

        /// <summary>How long the nodes are kept on which that was done (<see cref="GangOptions.EvictionHold"/>).</summary>
        public TimeSpan EvictionHold { get; set; } = TimeSpan.FromMinutes(5);

        /// <summary>How long the place of a bound member that is gone is kept for the one that replaces it (<see cref="GangOptions.ReplaceHold"/>).</summary>
        public TimeSpan ReplaceHold { get; set; } = TimeSpan.FromSeconds(15);

        /// <summary>How long several waiting gangs may be thought about together; 0 to plan one after another (<see cref="GangOptions.BatchLimit"/>).</summary>
        public TimeSpan BatchLimit { get; set; } = TimeSpan.FromSeconds(2);

        /// <summary>True to let the weight of the others decide even against the gang that is due next (<see cref="GangOptions.WeightDecides"/>).</summary>
        public bool WeightDecides { get; set; }

        /// <summary>
        /// Members that kube-scheduler has put aside get a label when their gang has a place, so that it looks at them again at once. It
        /// needs the right to patch pods; without it they wait until kube-scheduler comes back to them by itself.
        /// </summary>
        public bool Wake { get; set; } = true;

        /// <summary>
        /// Members with the scheduling gate gpuscheduler.io/gang lose it when their gang has its places, and are fixed to their node by the
        /// same patch. Without it, or without the right to patch pods, they stay gated until somebody else removes the gate.
        /// </summary>
        public bool RemoveGates { get; set; } = true;

        /// <summary>Events say when a gang waits, has places, has none, gave them back or is declared wrongly.</summary>
        public bool Events { get; set; } = true;

        /// <summary>The status of PodGroups of scheduler-plugins and of Kubernetes says the same. Those of other kinds belong to their controllers.</summary>
        public bool Status { get; set; } = true;

        /// <summary>Most pods that are woken, and most whose gate is removed, in a second.</summary>
        public int WakesPerSecond { get; set; } = 100;

        /// <summary>These settings over what the host decides; null where gangs are not planned.</summary>
        [return: NotNullIfNotNull(nameof(present))]
        internal GangOptions? Over(GangOptions? present) => present is null ? null : present with
        {
            BarrierTimeout = BarrierTimeout,
            PlanHold = PlanHold,
            Backoff = Backoff,
            SolveLimit = SolveLimit,
            KeepForNext = KeepForNext,
            KeepLimit = KeepLimit,
            EvictionHold = EvictionHold,
            ReplaceHold = ReplaceHold,
            BatchLimit = BatchLimit,
            WeightDecides = WeightDecides,
        };
    }

    /// <summary>The words of other GPU sharing stacks (see <see cref="Core.Requests.Dialects.ShareDialects"/>).</summary>
    public sealed class DialectSettings
    {
        /// <summary>Which are read in pods: gpushare, hami, volcano and kai, separated by ','; "none" for our own words alone.</summary>
        public string Read { get; set; } = "gpushare,hami,volcano,kai";

        /// <summary>For which the assignment is also written in the form that their device plugin reads: gpushare, hami and volcano; "none" for none.</summary>
        public string Write { get; set; } = "gpushare,hami,volcano";

        /// <summary>How long a bind may wait for its turn on a node whose device plugin takes pods one after the other, as HAMi's does.</summary>
        public TimeSpan NodeWait { get; set; } = TimeSpan.FromSeconds(5);
    }

    /// <summary>Nodes whose MIG layout is changed for pods that find no place.</summary>
    public sealed class MigSettings
    {
        /// <summary>True to change nodes with the label gpuscheduler.io/mig-dynamic=true. It needs the right to patch nodes (manifests/mig-dynamic).</summary>
        public bool Enabled { get; set; }

        /// <summary>The configuration file that mig-manager has, or one of that form.</summary>
        public string? ConfigFile { get; set; }

        /// <summary>Names of the configurations in it that may be asked for, separated by ';'. Among equally good ones the first.</summary>
        public string Configs { get; set; } = "";

        /// <summary>Names of the schedulers for whose pods nodes are changed, separated by ';'.</summary>
        public string Schedulers { get; set; } = "default-scheduler;gpu-scheduler";

        /// <summary>How long a pod has to find no place before a node is changed for it (<see cref="MigOptions.MinWait"/>).</summary>
        public TimeSpan MinWait { get; set; } = TimeSpan.FromSeconds(30);

        /// <summary>How long a node that was changed is not changed again (<see cref="MigOptions.Cooldown"/>).</summary>
        public TimeSpan Cooldown { get; set; } = TimeSpan.FromMinutes(10);

        /// <summary>How long a change may take, and then its restoration (<see cref="MigOptions.Timeout"/>).</summary>
        public TimeSpan Timeout { get; set; } = TimeSpan.FromMinutes(15);

        /// <summary>How long a node and a configuration are left alone after a failure, at first (<see cref="MigOptions.Backoff"/>).</summary>
        public TimeSpan Backoff { get; set; } = TimeSpan.FromMinutes(5);

        /// <summary>Most nodes in change at once.</summary>
        public int MostAtOnce { get; set; } = 1;

        /// <summary>How long one plan may be thought about.</summary>
        public TimeSpan SolveLimit { get; set; } = TimeSpan.FromSeconds(1);

        /// <summary>Events say of a node when its layout is changed, and what came of it.</summary>
        public bool Events { get; set; } = true;
    }

    /// <summary>How decisions are made.</summary>
    public sealed class EngineSettings
    {
        /// <summary>Filter answers with the one best node (see <see cref="EngineOptions.AnswerOneNode"/>).</summary>
        public bool AnswerOneNode { get; set; }

        /// <summary>What a call with whole Nodes is taken for.</summary>
        public WholeNodes WholeNodes { get; set; }

        /// <summary>How much each part of a score counts.</summary>
        public ScoreWeights Weights { get; set; } = new();
    }

    /// <summary>Certificates, as PEM files; all are read again when they change.</summary>
    public sealed class TlsSettings
    {
        /// <summary>Server certificate, with its chain.</summary>
        public string? Certificate { get; set; }

        /// <summary>Its private key.</summary>
        public string? Key { get; set; }

        /// <summary>Authorities of client certificates; when set, the verbs and gRPC want a client certificate that one of them signed.</summary>
        public string? ClientCa { get; set; }
    }
}
