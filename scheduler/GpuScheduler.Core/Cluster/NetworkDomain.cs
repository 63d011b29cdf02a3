namespace GpuScheduler.Core.Cluster;

/// <summary>A domain of the network: the nodes that share a value of a level's label and of those outside it.</summary>
/// <param name="Name">The label's value; for a stand-in, the name of what it stands for.</param>
/// <param name="IsNamed">False for a stand-in: its nodes do not say where they are on this level.</param>
/// <param name="Parent">Index of the domain around it, on the next level outwards; -1 for the whole cluster.</param>
/// <param name="First">First of its nodes in <see cref="NetworkTopology.Order"/>.</param>
/// <param name="Count">Number of its nodes.</param>
/// <param name="FirstChild">First of the domains inside it, on the next level inwards.</param>
/// <param name="Children">Number of the domains inside it.</param>
/// <param name="NamedInside">The levels on which it contains a domain that is no stand-in, as bits.</param>
public readonly record struct NetworkDomain(string Name, bool IsNamed, int Parent, int First, int Count, int FirstChild, int Children, int NamedInside)
{
    /// <summary>One behind the last of its nodes in <see cref="NetworkTopology.Order"/>.</summary>
    public int End => First + Count;
}
