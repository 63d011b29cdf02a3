using System.Collections.Immutable;

namespace GpuScheduler.Core.Gangs;

/// <summary>The words about a gang that a pod carries.</summary>
internal sealed class GangFields
{
    private List<(PodField Field, string Value)>? _values;

    /// <summary>True when there are none.</summary>
    public bool IsEmpty => _values is null;

    /// <summary>Adds a value, if any dialect cares for it. An empty one counts as absent; of two, the last counts.</summary>
    public void Add(PodField field, string value)
    {
        if (string.IsNullOrEmpty(value) || !GangFieldNames.Has(field) || (field == PodField.OwnerKind && !GangFieldNames.IsController(value)))
        {
            return;
        }

        _values ??= [];
        _values.RemoveAll(v => v.Field == field);
        _values.Add((field, value));
    }

    /// <summary>The value at a place; null when there is none.</summary>
    public string? this[PodField field]
    {
        get
        {
            if (_values is not null)
            {
                foreach (var (present, value) in _values)
                {
                    if (present == field)
                    {
                        return value;
                    }
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
