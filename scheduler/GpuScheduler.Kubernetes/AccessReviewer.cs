using System.Buffers;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace GpuScheduler.Kubernetes;

/// <summary>
/// Asks the API server who a bearer token belongs to (TokenReview) and whether that user may call a path of ours (SubjectAccessReview of
/// a nonResourceURL). Answers are kept for a while, by the token's hash; the token itself is neither kept nor logged.
/// </summary>
/// <param name="connection">The API server.</param>
/// <param name="keep">How long an answer counts.</param>
/// <param name="time">The clock; null for the system's.</param>
public sealed class AccessReviewer(KubernetesConnection connection, TimeSpan keep, TimeProvider? time = null) : IDisposable
{
    /// <summary>Most answers that are kept.</summary>
    private const int MostKept = 4096;

    /// <summary>Most questions that are on their way at once: who sends made-up tokens must not keep the API server busy.</summary>
    private const int MostAtOnce = 8;

    private static readonly RbacRule s_tokenRule = new("authentication.k8s.io", "tokenreviews", "create");
    private static readonly RbacRule s_accessRule = new("authorization.k8s.io", "subjectaccessreviews", "create");

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly ConcurrentDictionary<string, (AccessVerdict Verdict, long Since)> _kept = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turns = new(MostAtOnce);

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    /// <summary>May the owner of the token do this?</summary>
    /// <param name="token">The bearer token.</param>
    /// <param name="verb">The HTTP method in small letters.</param>
    /// <param name="path">The path.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="KubernetesApiException">The API server could not be asked. That is not kept.</exception>
    public async Task<AccessVerdict> ReviewAsync(string token, string verb, string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        ArgumentException.ThrowIfNullOrEmpty(verb);
        ArgumentException.ThrowIfNullOrEmpty(path);
        var key = $"{Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token)))} {verb} {path}";
        if (Find(key) is { } known)
        {
            return known;
        }

        await _turns.WaitAsync(cancellationToken);
        try
        {
            if (Find(key) is { } meanwhile)
            {
                return meanwhile;
            }

            var verdict = await AskAsync(token, verb, path, cancellationToken);
            Keep(key, verdict);
            return verdict;
        }
        finally
        {
            _turns.Release();
        }
    }

    private AccessVerdict? Find(string key) =>
        _kept.TryGetValue(key, out var kept) && _time.GetElapsedTime(kept.Since) < keep ? kept.Verdict : null;

    private void Keep(string key, AccessVerdict verdict)
    {
        if (_kept.Count >= MostKept)
        {
            foreach (var (old, kept) in _kept)
            {
                if (_time.GetElapsedTime(kept.Since) >= keep)
                {
                    _kept.TryRemove(old, out _);
                }
            }

            if (_kept.Count >= MostKept)
            {
                _kept.Clear();
            }
        }

        _kept[key] = (verdict, _time.GetTimestamp());
    }

    private async Task<AccessVerdict> AskAsync(string token, string verb, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var reviewed = await CreateAsync("authentication.k8s.io/v1", "TokenReview", "tokenreviews", s_tokenRule, json => json.WriteString("token"u8, token), cancellationToken);
            var status = reviewed.RootElement.GetProperty("status");
            if (!IsTrue(status, "authenticated"))
            {
                return new AccessVerdict(AccessKind.Unauthenticated, "", "the API server does not accept this token: it is not one of this cluster, or has expired");
            }

            var user = status.GetProperty("user");
            var name = user.GetProperty("username").GetString() ?? "";
            using var answered = await CreateAsync("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", s_accessRule, json => WriteQuestion(json, user, name, verb, path), cancellationToken);
            return IsTrue(answered.RootElement.GetProperty("status"), "allowed")
                ? new AccessVerdict(AccessKind.Allowed, name, "")
                : new AccessVerdict(AccessKind.Forbidden, name, $"{name} may not {verb} {path}: bind a ClusterRole to it that has nonResourceURLs: [\"{path}\"], verbs: [\"{verb}\"], as gpu-scheduler-inspect has for /v1/*");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new KubernetesApiException($"the API server's review of a token cannot be understood: {e.Message}", innerException: e);
        }
    }

    private static void WriteQuestion(Utf8JsonWriter json, JsonElement user, string name, string verb, string path)
    {
        json.WriteString("user"u8, name);
        foreach (var field in (string[])["uid", "groups", "extra"])
        {
            if (user.TryGetProperty(field, out var value))
            {
                json.WritePropertyName(field);
                value.WriteTo(json);
            }
        }

        json.WriteStartObject("nonResourceAttributes"u8);
        json.WriteString("path"u8, path);
        json.WriteString("verb"u8, verb);
        json.WriteEndObject();
    }

    private async Task<JsonDocument> CreateAsync(string version, string kind, string resource, RbacRule rule, Action<Utf8JsonWriter> spec, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("apiVersion"u8, version);
            json.WriteString("kind"u8, kind);
            json.WriteStartObject("spec"u8);
            spec(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return JsonDocument.Parse(await connection.CallAsync(HttpMethod.Post, $"apis/{version}/{resource}", body.WrittenMemory, rule, cancellationToken));
    }

    private static bool IsTrue(JsonElement status, string field) => status.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.True;
}
