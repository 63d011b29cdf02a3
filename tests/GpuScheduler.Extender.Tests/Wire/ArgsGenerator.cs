using System.Globalization;
using System.Text;

namespace GpuScheduler.Extender.Tests.Wire;

/// <summary>Writes ExtenderArgs in every way that JSON allows: order, case, blanks, escapes, extra properties, nulls, repetitions, sizes.</summary>
internal sealed class ArgsGenerator(Random random, IReadOnlyList<string> known)
{
    private static readonly string[] s_texts = ["x", "", "NodeNames", "\\u0000", "é", "\\ud83d\\ude00", "\ud83d\ude00", "\\\"}]", "{\\\"Pod\\\":1}", "\\\\", "items"];

    public byte[] Next()
    {
        var properties = new List<string>();
        if (random.Next(20) > 0)
        {
            properties.Add(Property("Pod", Pod()));
        }

        if (random.Next(20) > 0)
        {
            properties.Add(random.Next(2) == 0 ? Property("NodeNames", Names()) : Property("Nodes", NodeList()));
        }

        for (var more = random.Next(6); more > 0; more--)
        {
            properties.Add(random.Next(7) switch
            {
                0 => Property("Pod", "null"),
                1 => Property("Nodes", "null"),
                2 => Property("NodeNames", "null"),
                3 => Property("NodeNames", Names()),
                4 => Property("Pod", Pod()),
                _ => Property(random.Next(3) switch { 0 => "Podd", 1 => "NodeNam", _ => "metadata" }, Value(0)),
            });
        }

        var shuffled = properties.ToArray();
        random.Shuffle(shuffled);
        return Encoding.UTF8.GetBytes(Blank() + Object(shuffled) + Blank());
    }

    private string Pod()
    {
        var resources = Object(Pair("requests", Object(Pair("nvidia.com/gpu", $"\"{random.Next(9)}\""))));
        return Object(
            Pair("metadata", Object(Pair("name", "\"p\""), Pair("uid", $"\"uid-{random.Next(1000)}\""), Pair("annotations", Object(Pair("pad", $"\"{Padding()}\""), Pair("x", Text()))))),
            Pair("status", random.Next(2) == 0 ? "null" : "{\"phase\":\"Pending\"}"),
            Pair("spec", Object(Pair("containers", $"[{Object(Pair("resources", resources), Pair("env", Value(1)))}]"), Pair("nodeSelector", "null"))),
            Pair("other", Value(0)));
    }

    private string NodeList()
    {
        var parts = new List<string> { Pair("metadata", random.Next(2) == 0 ? "{}" : "{\"name\":\"list\",\"items\":[1]}") };
        if (random.Next(10) > 0)
        {
            parts.Add(Property("items", random.Next(10) == 0 ? "null" : Items()));
        }

        if (random.Next(10) == 0)
        {
            parts.Add(Property("items", Items()));
        }

        if (random.Next(3) == 0)
        {
            parts.Insert(random.Next(parts.Count), Pair("extra", Value(0)));
        }

        return Object([.. parts]);
    }

    private string Items() => List(random.Next(12), () =>
    {
        var metadata = Pair("metadata", Object(Pair("labels", Object(Pair("name", Text()))), Pair("name", Name()), Pair("pad", $"\"{Padding()}\"")));
        return random.Next(2) == 0
            ? Object(metadata, Pair("status", Value(0)), Pair("spec", Value(1)))
            : Object(Pair("spec", "{\"metadata\":{\"name\":\"wrong\"}}"), Pair("list", "[{\"metadata\":{\"name\":\"wrong\"}}]"), metadata);
    });

    private string Names() => List(random.Next(4) == 0 ? random.Next(3000) : random.Next(20), Name);

    /// <summary>A name, mostly known, at times with some of its characters escaped.</summary>
    private string Name()
    {
        var name = random.Next(8) == 0 ? $"nobody-{random.Next(5)}{s_texts[random.Next(s_texts.Length)]}" : known[random.Next(known.Count)];
        return $"\"{(random.Next(4) == 0 ? Escaped(name) : name)}\"";
    }

    private string Property(string name, string value)
    {
        var text = new StringBuilder();
        foreach (var c in name)
        {
            text.Append(random.Next(3) == 0 ? char.ToUpperInvariant(c) : random.Next(3) == 0 ? char.ToLowerInvariant(c) : c);
        }

        return $"\"{(random.Next(8) == 0 ? Escaped(text.ToString()) : text)}\"{Blank()}:{Blank()}{value}";
    }

    private string Pair(string name, string value) => $"\"{name}\"{Blank()}:{Blank()}{value}";

    private string Escaped(string text)
    {
        var result = new StringBuilder();
        foreach (var c in text)
        {
            result.Append(char.IsAsciiLetterOrDigit(c) && !text.Contains('\\', StringComparison.Ordinal) && random.Next(2) == 0
                ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : c.ToString());
        }

        return result.ToString();
    }

    private string Value(int depth) => random.Next(depth > 3 ? 5 : 8) switch
    {
        0 => "null",
        1 => random.Next(2) == 0 ? "true" : "false",
        2 => "-12.5e+3",
        3 => Text(),
        4 => $"\"{Padding()}\"",
        5 => List(random.Next(4), () => Value(depth + 1)),
        6 => "{}",
        _ => Object(Pair("Pod", Value(depth + 1)), Pair("items", Value(depth + 1))),
    };

    private string Text() => $"\"{s_texts[random.Next(s_texts.Length)]}\"";

    /// <summary>Mostly small; at times more than the reader's window of 512 KiB.</summary>
    private string Padding() => new('x', random.Next(60) switch { 0 => random.Next(500_000, 1_200_000), < 6 => random.Next(20_000), _ => random.Next(20) });

    private string Object(params string[] properties) => $"{{{Blank()}{string.Join($"{Blank()},{Blank()}", properties)}{Blank()}}}";

    private string List(int count, Func<string> element) => $"[{Blank()}{string.Join($",{Blank()}", Enumerable.Range(0, count).Select(_ => element()))}]";

    private string Blank() => random.Next(12) switch { 0 => " ", 1 => "\n\t", 2 => "\r\n  ", _ => "" };
}
