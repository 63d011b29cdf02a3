using System.Text;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>Spoils bodies: bits, bytes, stretches, and pieces of JSON where they do not belong.</summary>
internal sealed class Mutator(Random random)
{
    private static readonly byte[][] s_pieces =
    [
        .. new[]
        {
            "null", "true", "[]", "{}", "\"\"", "0", "-1", "1e999", "99999999999999999999", "\"\\ud800\"", "\"\\u0000\"", "{\"Pod\":", "\"NodeNames\":[", "\"Nodes\":{\"items\":[",
            "\"metadata\":{\"name\":", "\"h100-01\"", "]", "}", "\"", "\\", ",", ":", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
            "\"gpuscheduler.io/gpu-milli\":\"250\"", "\"nvidia.com/gpu\":\"9223372036854775807\"", "\"nvidia.com/gpu\":\"1e18\"", "\"nvidia.com/mig-1g.10gb\":\"1000000\"", "\"-5\"", "\"0.1m\"",
        }.Select(Encoding.UTF8.GetBytes),
        [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0x00], [0xEF, 0xBB, 0xBF],
    ];

    public byte[] Next(byte[] body)
    {
        var bytes = new List<byte>(body);
        for (var times = random.Next(1, 5); times > 0 && bytes.Count > 0; times--)
        {
            var at = random.Next(bytes.Count);
            var length = Math.Min(random.Next(1, random.Next(2) == 0 ? 8 : 200), bytes.Count - at);
            switch (random.Next(9))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, length);
                    break;
                case 3:
                    bytes.InsertRange(random.Next(bytes.Count), bytes.GetRange(at, length));
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 5:
                    bytes.InsertRange(at, s_pieces[random.Next(s_pieces.Length)]);
                    break;
                case 6:
                    ReplaceValue(bytes);
                    break;
                case 7:
                    Rename(bytes);
                    break;
                default:
                    bytes.RemoveRange(at, length);
                    bytes.InsertRange(at, s_pieces[random.Next(s_pieces.Length)]);
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>Puts another value behind a colon, so that the body often stays JSON.</summary>
    private void ReplaceValue(List<byte> bytes)
    {
        var at = bytes.IndexOf((byte)':', random.Next(bytes.Count)) + 1;
        var end = bytes.FindIndex(at, b => b is (byte)',' or (byte)'}' or (byte)']');
        if (at > 0 && end > at)
        {
            bytes.RemoveRange(at, end - at);
            bytes.InsertRange(at, s_pieces[random.Next(20)]);
        }
    }

    /// <summary>Changes the case of a letter or makes an escape of it.</summary>
    private void Rename(List<byte> bytes)
    {
        var at = random.Next(bytes.Count);
        if (char.IsAsciiLetter((char)bytes[at]))
        {
            var letter = (byte)(bytes[at] ^ 0x20);
            bytes.RemoveAt(at);
            bytes.InsertRange(at, random.Next(2) == 0 ? [letter] : Encoding.ASCII.GetBytes($"\\u{(int)letter:x4}"));
        }
    }
}
