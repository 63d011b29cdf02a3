using System.Text.Json;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Groups;

/// <summary>
/// Reads objects that declare groups. One whose fields cannot be used is read all the same, and says so in
/// <see cref="GroupObject.Invalid"/>, which its pods then get to hear.
/// </summary>
internal static class GroupObjectReader
{
    /// <summary>Reads an object.</summary>
    /// <param name="resource">What kind of object it is.</param>
    /// <param name="json">The object, whole.</param>
    /// <exception cref="JsonException">It is not JSON, or has no name.</exception>
    public static GroupObject Read(GroupResource resource, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        try
        {
            return Read(resource, new ObjectFields(document.RootElement));
        }
        catch (InvalidOperationException e)
        {
            throw JsonFields.NotUnicode(resource.ObjectKind, e);
        }
    }

    private static GroupObject Read(GroupResource resource, ObjectFields fields)
    {
        var name = fields.Text("metadata", "name") ?? throw new JsonException(fields.Problem ?? "metadata.name is missing");
        var item = new GroupObject
        {
            Id = new GroupObjectId(resource.Kind, fields.Text("metadata", "namespace") ?? "default", name),
            Uid = fields.Text("metadata", "uid") ?? "",
        };
        item = resource.Describe(fields, item);
        return fields.Problem is { } problem ? item with { Invalid = problem } : item;
    }
}
