namespace GpuScheduler.Core.Planning;

/// <summary>Nodes of which more could be had: what they are, and where they stand in the network.</summary>
/// <param name="Product">Product of their GPUs.</param>
/// <param name="Gpus">GPUs of each.</param>
/// <param name="Mig">How they are cut by MIG, for example "14x1g.10gb"; empty for whole GPUs.</param>
/// <param name="Beside">The innermost domain of the network that they would join, for example "rack r7"; empty for one of their own.</param>
/// <param name="Model">Name of a node that is such a one.</param>
public sealed record NodeKind(string Product, int Gpus, string Mig, string Beside, string Model);
