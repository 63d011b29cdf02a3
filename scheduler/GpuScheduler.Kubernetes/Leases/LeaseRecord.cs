using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace GpuScheduler.Kubernetes.Leases;

/// <summary>A Lease of coordination.k8s.io/v1, as far as it is read and written here.</summary>
/// <param name="ResourceVersion">Version on whose condition it is replaced; empty to create it.</param>
/// <param name="Holder">spec.holderIdentity; empty when nobody holds it.</param>
/// <param name="Duration">spec.leaseDurationSeconds.</param>
/// <param name="Acquired">spec.acquireTime, in the text of the API.</param>
/// <param name="Renewed">spec.renewTime, in the text of the API. Only ever compared: clocks of two machines are not.</param>
/// <param name="Transitions">spec.leaseTransitions.</param>
internal sealed record LeaseRecord(string ResourceVersion, string Holder, TimeSpan Duration, string Acquired, string Renewed, int Transitions)
{
    /// <summary>The form of a MicroTime.</summary>
    public static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>True when its holder has done nothing between the two.</summary>
    public bool SameAs(LeaseRecord other) => (Holder, Renewed, Transitions) == (other.Holder, other.Renewed, other.Transitions);

    /// <exception cref="JsonException">It is not a Lease.</exception>
    public static LeaseRecord Read(ReadOnlySpan<byte> body)
    {
        var json = new Utf8JsonReader(body);
        var lease = new LeaseRecord("", "", TimeSpan.Zero, "", "", 0);
        JsonFields.Advance(ref json, "the lease");
        if (!JsonFields.IsObject(ref json, "the lease"))
        {
            throw new JsonException("the lease is null");
        }

        while (JsonFields.NextField(ref json, "the lease"))
        {
            if (json.ValueTextEquals("metadata"u8) && JsonFields.EnterObject(ref json, "metadata"))
            {
                while (JsonFields.NextField(ref json, "metadata"))
                {
                    if (json.ValueTextEquals("resourceVersion"u8))
                    {
                        lease = lease with { ResourceVersion = JsonFields.Text(ref json, "metadata.resourceVersion") ?? "" };
                    }
                    else
                    {
                        JsonFields.Skip(ref json, "metadata");
                    }
                }
            }
            else if (json.TokenType == JsonTokenType.PropertyName && json.ValueTextEquals("spec"u8) && JsonFields.EnterObject(ref json, "spec"))
            {
                lease = ReadSpec(ref json, lease);
            }
            else if (json.TokenType == JsonTokenType.PropertyName)
            {
                JsonFields.Skip(ref json, "the lease");
            }
        }

        return lease.ResourceVersion.Length > 0 ? lease : throw new JsonException("metadata.resourceVersion is missing in the lease");
    }

    private static LeaseRecord ReadSpec(ref Utf8JsonReader json, LeaseRecord lease)
    {
        while (JsonFields.NextField(ref json, "spec"))
        {
            if (json.ValueTextEquals("holderIdentity"u8))
            {
                lease = lease with { Holder = JsonFields.Text(ref json, "spec.holderIdentity") ?? "" };
            }
            else if (json.ValueTextEquals("leaseDurationSeconds"u8))
            {
                lease = lease with { Duration = TimeSpan.FromSeconds(JsonFields.Number(ref json, "spec.leaseDurationSeconds") ?? 0) };
            }
            else if (json.ValueTextEquals("acquireTime"u8))
            {
                lease = lease with { Acquired = JsonFields.Text(ref json, "spec.acquireTime") ?? "" };
            }
            else if (json.ValueTextEquals("renewTime"u8))
            {
                lease = lease with { Renewed = JsonFields.Text(ref json, "spec.renewTime") ?? "" };
            }
            else if (json.ValueTextEquals("leaseTransitions"u8))
            {
                lease = lease with { Transitions = JsonFields.Number(ref json, "spec.leaseTransitions") ?? 0 };
            }
            else
            {
                JsonFields.Skip(ref json, "spec");
            }
        }

        return lease;
    }

    public ReadOnlyMemory<byte> Write(string @namespace, string name)
    {
        var body = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteString("apiVersion"u8, "coordination.k8s.io/v1"u8);
        json.WriteString("kind"u8, "Lease"u8);
        json.WriteStartObject("metadata"u8);
        json.WriteString("name"u8, name);
        json.WriteString("namespace"u8, @namespace);
        if (ResourceVersion.Length > 0)
        {
            json.WriteString("resourceVersion"u8, ResourceVersion);
        }

        json.WriteEndObject();
        json.WriteStartObject("spec"u8);
        json.WriteString("holderIdentity"u8, Holder);

        // The API takes whole seconds of 1 and more; rounded up, so that nobody else comes too early.
        json.WriteNumber("leaseDurationSeconds"u8, Math.Max(1, (int)Math.Ceiling(Duration.TotalSeconds)));
        json.WriteString("acquireTime"u8, Acquired);
        json.WriteString("renewTime"u8, Renewed);
        json.WriteNumber("leaseTransitions"u8, Transitions);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return body.WrittenMemory;
    }
}
