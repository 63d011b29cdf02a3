using GpuScheduler.Core.Gangs;

namespace GpuScheduler.Kubernetes;

/// <summary>Something to be said of a gang as a Kubernetes event.</summary>
/// <param name="Namespace">Namespace of the gang.</param>
/// <param name="Object">The object that declares it; null for none, which makes the pod the subject.</param>
/// <param name="PodName">Name of its first member.</param>
/// <param name="Uid">UID of the subject.</param>
/// <param name="Reason">The reason, in one word of the API's kind: GangWaiting, GangPlaced, GangUnplaced, GangReleased, GangInvalid.</param>
/// <param name="Note">What there is to say.</param>
/// <param name="IsWarning">True when somebody may have to do something.</param>
public sealed record GangNotice(string Namespace, GroupObjectId? Object, string PodName, string Uid, string Reason, string Note, bool IsWarning);
