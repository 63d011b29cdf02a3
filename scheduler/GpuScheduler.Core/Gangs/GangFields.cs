using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>The words about a gang that a pod carries.</summary>
internal sealed class GangFields
{
    private readonly List<(PodField Field, string Value)> _values = [];

    /// <summary>Adds a value, if any dialect cares for it. An empty one counts as absent; of two, the last counts.</summary>
    /// <param name="fields">Receives it; created with the first.</param>
    /// <param name="field">Where it stands.</param>
    /// <param name="value">The value.</param>
    public static void Add(ref GangFields? fields, PodField field, string value)
    {
        if (string.IsNullOrEmpty(value) || !GangFieldNames.Has(field) || (field == PodField.OwnerKind && !GangFieldNames.IsController(value)))
        {
            return;
        }

        fields ??= new GangFields();
        fields._values.RemoveAll(v => v.Field == field);
        fields._values.Add((field, value));
    }

    /// <summary>The value at a place; null when there is none.</summary>
    public string? this[PodField field]
    {
        get
        {
            foreach (var (present, value) in _values)
            {
                if (present == field)
                {
                    return value;
                }
            }

            return null;
        }
    }

    /// <summary>True when any of the places has a value.</summary>
    public bool HasAny(ImmutableArray<PodField> fields) => First(fields) is not null;

    /// <summary>The value at the first of the places that has one; null when none has.</summary>
    public string? First(ImmutableArray<PodField> fields)
    {
        foreach (var field in fields)
        {
            if (this[field] is { } value)
            {
                return value;
            }
        }

        return null;
    }
}
