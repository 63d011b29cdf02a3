using GpuScheduler.Core.Framework;
using GpuScheduler.Core.Reservations;

namespace GpuScheduler.Extender;

/// <summary>
/// Everything that can be set: on the command line, in the environment (prefix GPU_SCHEDULER_, double underscore for a colon) or in
/// a JSON file (--config), in this order of precedence. Checked at start by <see cref="ExtenderOptionsValidator"/>.
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

    /// <summary>How long holds last.</summary>
    public LedgerOptions Holds { get; set; } = new();

    /// <summary>How long a bind may take in all. Below kube-scheduler's httpTimeout, or its answer comes too late.</summary>
    public TimeSpan BindTimeout { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>What is accepted.</summary>
    public LimitSettings Limits { get; set; } = new();

    /// <summary>Certificates.</summary>
    public TlsSettings Tls { get; set; } = new();

    /// <summary>How decisions are made.</summary>
    public sealed class EngineSettings
    {
        /// <summary>Filter answers with the one best node (see <see cref="EngineOptions.AnswerOneNode"/>).</summary>
        public bool AnswerOneNode { get; set; }

        /// <summary>How much each part of a score counts.</summary>
        public ScoreWeights Weights { get; set; } = new();
    }

    /// <summary>What is accepted.</summary>
    public sealed class LimitSettings
    {
        /// <summary>Largest request body in MiB. 5,000 full Node objects are about 20 to 75 MiB.</summary>
        public int MaxRequestBodyMiB { get; set; } = 128;
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
