using System.IO.Pipelines;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace GpuScheduler.Extender.Hosting;

/// <summary>
/// HTTP/1.1 and HTTP/2 on one port without TLS, so that curl and gRPC clients use the same address.
/// </summary>
/// <remarks>
/// The web server chooses HTTP/2 by ALPN, which only TLS has. A client that speaks HTTP/2 without asking first begins with the
/// preface of RFC 9113 section 3.4, which is no HTTP/1.1 request: where a connection begins with it, the server is told the outcome
/// that ALPN would have had. Nothing else looks at these features: no middleware of ours asks whether a request came over TLS.
/// </remarks>
internal static class PlaintextHttp2
{
    /// <summary>How long a connection may take to say its first word; as long as the server keeps idle ones.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(130);

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public static void UsePlaintextHttp2(this ListenOptions listen) => listen.Use(next => async connection =>
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(s_patience);
        try
        {
            if (await BeginsWithPrefaceAsync(connection.Transport.Input, limit.Token))
            {
                var outcome = new AlpnOutcome();
                connection.Features.Set<ITlsConnectionFeature>(outcome);
                connection.Features.Set<ITlsApplicationProtocolFeature>(outcome);
            }
        }
        catch (OperationCanceledException)
        {
            connection.Abort();
            return;
        }

        await next(connection);
    });

    private static async ValueTask<bool> BeginsWithPrefaceAsync(PipeReader input, CancellationToken closed)
    {
        while (true)
        {
            var result = await input.ReadAsync(closed);
            var seen = (int)Math.Min(result.Buffer.Length, Preface.Length);
            var alike = Compare(result, seen);

            // Looked at, but left for the server to read. What is too short to tell is looked at again when more is there.
            var undecided = alike && seen < Preface.Length && !result.IsCompleted;
            input.AdvanceTo(result.Buffer.Start, undecided ? result.Buffer.End : result.Buffer.Start);
            if (!undecided)
            {
                return alike && seen == Preface.Length;
            }
        }
    }

    private static bool Compare(in ReadResult result, int count)
    {
        Span<byte> bytes = stackalloc byte[24];
        System.Buffers.BuffersExtensions.CopyTo(result.Buffer.Slice(0, count), bytes);
        return bytes[..count].SequenceEqual(Preface[..count]);
    }

    private sealed class AlpnOutcome : ITlsConnectionFeature, ITlsApplicationProtocolFeature
    {
        private static readonly byte[] s_h2 = "h2"u8.ToArray();

        public X509Certificate2? ClientCertificate { get; set; }

        public ReadOnlyMemory<byte> ApplicationProtocol => s_h2;

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) => Task.FromResult<X509Certificate2?>(null);
    }
}
