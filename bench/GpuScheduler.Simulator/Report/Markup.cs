using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace GpuScheduler.Simulator.Report;

/// <summary>
/// HTML under construction. What stands in the literal parts of an interpolated string is markup, what stands in its holes is escaped:
/// there is no way to add a variable unescaped, so a name out of a cluster cannot become markup.
/// </summary>
internal sealed class Markup
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds markup with escaped values.</summary>
#pragma warning disable CA1822, IDE0060 // The handler writes into this instance while its arguments are evaluated.
    public void Add([InterpolatedStringHandlerArgument("")] ref Handler markup)
#pragma warning restore CA1822, IDE0060
    {
    }

    /// <summary>Adds JSON for a data block; the default encoder leaves no character in it that could end a script element.</summary>
    public void AddJson(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            write(json);
        }

        _text.Append(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    /// <summary>Adds one of the report's own assets as it is.</summary>
    public void AddAsset(ReportAsset asset) => _text.Append(asset.Text);

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void AddEscaped(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '&': _text.Append("&amp;"); break;
                case '<': _text.Append("&lt;"); break;
                case '>': _text.Append("&gt;"); break;
                case '"': _text.Append("&quot;"); break;
                case '\'': _text.Append("&#39;"); break;
                case '\n' or '\t': _text.Append(c); break;
                default:
                    if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    {
                        _text.Append(c).Append(text[++i]);
                    }
                    else
                    {
                        _text.Append(IsDisplayable(c) ? c : '\uFFFD');
                    }

                    break;
            }
        }
    }

    /// <summary>Neither a control character, half a surrogate pair nor an override of the reading direction, which could fake a name.</summary>
    private static bool IsDisplayable(char c) =>
        !char.IsControl(c) && !char.IsSurrogate(c) && c is not ((>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069') or >= '\uFFFE');

    /// <summary>Writes an interpolated string: literals as they are, values escaped.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Handler
    {
        private readonly Markup _markup;

        /// <summary>Called by the compiler.</summary>
        public Handler(int literalLength, int formattedCount, Markup markup)
        {
            _ = (literalLength, formattedCount);
            _markup = markup;
        }

        /// <summary>Markup.</summary>
        public void AppendLiteral(string value) => _markup._text.Append(value);

        /// <summary>A text, escaped.</summary>
        public void AppendFormatted(string? value) => _markup.AddEscaped(value ?? "");

        /// <summary>A whole number.</summary>
        public void AppendFormatted(int value) => _markup._text.Append(CultureInfo.InvariantCulture, $"{value}");

        /// <summary>A coordinate of a drawing, to a tenth.</summary>
        /// <exception cref="ArgumentException">It is not finite: the caller had to leave the point out.</exception>
        public void AppendFormatted(double value)
        {
            if (!double.IsFinite(value))
            {
                throw new ArgumentException("A coordinate must be finite.", nameof(value));
            }

            _markup._text.Append(CultureInfo.InvariantCulture, $"{Math.Round(value, 1) + 0.0:0.#}");
        }

        /// <summary>Markup made elsewhere.</summary>
        public void AppendFormatted(Markup value) => _markup._text.Append(value._text);
    }
}
