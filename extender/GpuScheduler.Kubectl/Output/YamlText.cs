using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GpuScheduler.Kubectl.Output;

/// <summary>JSON as YAML, block by block. Strings are always quoted as JSON quotes them, which YAML allows and which no reader mistakes.</summary>
internal static class YamlText
{
    /// <summary>The document.</summary>
    public static string Of(JsonNode node)
    {
        var text = new StringBuilder();
        Write(text, node, 0, isItem: false);
        return text.ToString();
    }

    private static void Write(StringBuilder text, JsonNode? node, int indent, bool isItem)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } fields:
                foreach (var (name, value) in fields)
                {
                    text.Append(' ', isItem ? 0 : indent).Append(Key(name)).Append(':');
                    isItem = false;
                    WriteValue(text, value, indent);
                }

                break;
            case JsonArray { Count: > 0 } items:
                foreach (var item in items)
                {
                    text.Append(' ', isItem ? 0 : indent).Append("- ");
                    isItem = false;
                    Write(text, item, indent + 2, isItem: true);
                }

                break;
            default:
                text.Append(Scalar(node)).Append('\n');
                break;
        }
    }

    private static void WriteValue(StringBuilder text, JsonNode? value, int indent)
    {
        if (value is JsonObject { Count: > 0 } or JsonArray { Count: > 0 })
        {
            text.Append('\n');
            Write(text, value, value is JsonArray ? indent : indent + 2, isItem: false);
        }
        else
        {
            text.Append(' ').Append(Scalar(value)).Append('\n');
        }
    }

    private static string Key(string name) => name.Length > 0 && char.IsAsciiLetter(name[0]) && name.All(char.IsAsciiLetterOrDigit) && name is not ("y" or "n" or "yes" or "no" or "on" or "off" or "true" or "false" or "null")
        ? name
        : JsonSerializer.Serialize(name, JsonText.Default.String);

    private static string Scalar(JsonNode? node) => node?.ToJsonString() ?? "null";
}
