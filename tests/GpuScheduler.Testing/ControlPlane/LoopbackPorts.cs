using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace GpuScheduler.Testing.ControlPlane;

/// <summary>Picks free TCP ports on the loopback interface.</summary>
public static class LoopbackPorts
{
    // Below the range that the kernel takes outgoing connections' ports from. In that range, a client that
    // redials a server which is down could be given the server's own port, connect to itself, and keep the
    // server from coming back.
    private const int Lowest = 15_000;

    /// <summary>Picks as many different ports as asked for; another process may still be faster to use one.</summary>
    public static int[] Pick(int count)
    {
        var end = EphemeralRangeStart();
        var picked = new HashSet<int>();
        while (picked.Count < count)
        {
            var port = Random.Shared.Next(Lowest, end);
            if (IsFree(port))
            {
                picked.Add(port);
            }
        }

        return [.. picked];
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int EphemeralRangeStart()
    {
        const string setting = "/proc/sys/net/ipv4/ip_local_port_range";
        if (!File.Exists(setting))
        {
            return 32_768;
        }

        var start = File.ReadAllText(setting).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[0];
        var value = int.Parse(start, CultureInfo.InvariantCulture);
        return value > Lowest + 1_000 ? value : 32_768;
    }
}
