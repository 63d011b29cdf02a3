using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes.Recordings;

/// <summary>Digests of what a solver is asked: the gangs, and the room that each node has for each of their roles.</summary>
internal static class SolverQuestions
{
    public static string Digest(GangProblem problem)
    {
        var text = new StringBuilder();
        Add(text, problem);
        return Digest("plan", text);
    }

    public static string Digest(EvictionProblem problem)
    {
        var text = new StringBuilder();
        Add(text, problem.Gang);
        foreach (var victim in problem.Victims)
        {
            text.Append(CultureInfo.InvariantCulture, $"{victim.Name} {victim.Cost} {string.Join(' ', victim.Holds)}\n");
        }

        return Digest("room", text);
    }

    public static string Digest(GangBatch batch)
    {
        var text = new StringBuilder();
        var roles = 0;
        foreach (var gang in batch.Gangs)
        {
            text.Append(CultureInfo.InvariantCulture, $"{gang.Name} {gang.Weight} {gang.RequiredLevel} {gang.PreferredLevel} {string.Join(' ', gang.Roles)}\n");
            roles += gang.Roles.Length;
        }

        AddRooms(text, batch.Topology, batch.Capacity, roles);
        return Digest("batch", text);
    }

    private static void Add(StringBuilder text, GangProblem problem)
    {
        text.Append(CultureInfo.InvariantCulture, $"{problem.RequiredLevel} {problem.PreferredLevel} {string.Join(' ', problem.Fixed)} {string.Join(' ', problem.Roles)}\n");
        AddRooms(text, problem.Topology, problem.Capacity, problem.Roles.Length);
    }

    private static void AddRooms(StringBuilder text, NetworkTopology topology, IGangCapacity capacity, int roles)
    {
        var rooms = new int[topology.Positions];
        for (var role = 0; role < roles; role++)
        {
            capacity.Rooms(role, rooms);
            text.AppendJoin(',', rooms).Append('\n');
        }
    }

    private static string Digest(string kind, StringBuilder text) =>
        $"{kind} {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 6))}";
}
