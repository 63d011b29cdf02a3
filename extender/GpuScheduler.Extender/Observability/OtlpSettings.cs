using System.Globalization;

namespace GpuScheduler.Extender.Observability;

/// <summary>Where traces are sent.</summary>
public sealed class OtlpSettings
{
    /// <summary>gRPC, by default to port 4317 of a collector.</summary>
    public const string Grpc = "grpc";

    /// <summary>HTTP with protobuf bodies, by default to port 4318 of a collector.</summary>
    public const string Http = "http/protobuf";

    /// <summary>Address of a collector, for example http://collector.monitoring:4317; no traces are made while it is empty.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>How it is spoken to: grpc or http/protobuf. The latter adds /v1/traces to an endpoint without a path.</summary>
    public string Protocol { get; set; } = Grpc;

    /// <summary>Headers of every call, as name=value separated by ',', for collectors that want a token.</summary>
    public string Headers { get; set; } = "";

    /// <summary>Which part of the traces is kept, from 0 to 1; a trace is kept whole or not at all.</summary>
    public double SampleRatio { get; set; } = 1;

    /// <summary>What is wrong with the settings; empty when nothing is.</summary>
    internal IEnumerable<string> Problems()
    {
        if (Endpoint.Length == 0)
        {
            yield break;
        }

        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            yield return $"Otlp:Endpoint is \"{Endpoint}\": an address such as http://collector.monitoring:4317 is allowed, or nothing for no traces";
        }

        if (Protocol is not (Grpc or Http))
        {
            yield return $"Otlp:Protocol is \"{Protocol}\": {Grpc} or {Http} is allowed";
        }

        if (!(SampleRatio is >= 0 and <= 1))
        {
            yield return $"Otlp:SampleRatio is {SampleRatio.ToString(CultureInfo.InvariantCulture)}: 0 to 1 is allowed";
        }

        if (Headers.Length > 0 && Headers.Split(',').Any(h => h.IndexOf('=', StringComparison.Ordinal) <= 0))
        {
            // The value may be a secret and is not repeated.
            yield return "Otlp:Headers is not of the form name=value,name=value";
        }
    }
}
