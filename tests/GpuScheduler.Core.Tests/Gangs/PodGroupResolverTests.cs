using CsCheck;
using GpuScheduler.Core.Gangs;
using GpuScheduler.Core.Requests;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Gangs;

public class PodGroupResolverTests
{
    private static readonly GroupObjectId s_job = new(GroupKinds.Job, "default", "j");

    [Fact]
    public void Members_that_are_being_deleted_do_not_count_and_those_that_replace_them_do()
    {
        var pods = Gang(3, "size", 3);
        Assert.Equal(PodGroupStanding.Complete, Resolve(pods).Standing);

        pods[1] = pods[1] with { IsTerminating = true };
        var group = Resolve(pods);
        Assert.Equal((PodGroupStanding.Waiting, "2 of 3 members present"), (group.Standing, group.Reason));

        Assert.Equal(PodGroupStanding.Complete, Resolve([.. pods, pods[1] with { Uid = "new", IsTerminating = false }]).Standing);
    }

    [Fact]
    public void A_gate_of_others_holds_a_member_back_and_ours_does_not()
    {
        var pods = Gang(2, "size", 2);
        pods[0] = pods[0] with { SchedulingGates = [GpuAnnotations.GangGate] };
        Assert.Equal(PodGroupStanding.Complete, Resolve(pods).Standing);

        pods[0] = pods[0] with { SchedulingGates = [GpuAnnotations.GangGate, "kueue.x-k8s.io/admission"] };
        Assert.Equal("1 of 2 members present, 1 held back by scheduling gate kueue.x-k8s.io/admission", Resolve(pods).Reason);
    }

    [Fact]
    public void Bound_members_are_counted_on_first_then_those_of_low_index()
    {
        var pods = Gang(5, "min-members", 3);
        pods[4] = pods[4] with { NodeName = "n" };
        var role = Assert.Single(Resolve(pods).Roles);
        Assert.Equal(3, role.MinMembers);
        Assert.Equal(["p4", "p0", "p1", "p2", "p3"], role.Members.Select(m => m.Name));
    }

    [Fact]
    public void Members_that_ask_for_the_same_are_one_role_and_others_another()
    {
        var pods = Gang(4, "size", 4);
        pods[2] = pods[2] with { Request = new PodBuilder("x").Mig("1g.5gb").Build().Request };
        pods[3] = pods[3] with { Request = new PodBuilder("y").Mig("1g.5gb").Build().Request };
        Assert.Equal([2, 2], Resolve(pods).Roles.Select(r => r.Members.Length));
        Assert.Equal([2, 2], Resolve(pods).Roles.Select(r => r.MinMembers));
    }

    [Fact]
    public void A_gang_is_as_urgent_as_its_least_urgent_member()
    {
        var pods = Gang(2, "size", 2);
        Assert.Equal(3, Resolve([pods[0] with { Priority = 7 }, pods[1] with { Priority = 3 }]).Priority);
    }

    [Fact]
    public void Pods_of_a_deleted_object_of_the_same_name_do_not_count()
    {
        var objects = Objects(new GroupObject { Id = s_job, Uid = "new", Size = 2 });
        var old = Job("old", 0);
        Assert.Equal("1 of 2 members present", Resolve([old, Job("new", 0)], objects).Reason);
        Assert.Equal(PodGroupStanding.Complete, Resolve([old, Job("new", 0), Job("new", 1)], objects).Standing);
    }

    [Fact]
    public void A_controllers_object_is_waited_for_where_it_can_be_seen_and_has_to_exist()
    {
        var job = Job("u", 0);
        Assert.Equal("jobs.batch default/j was not seen yet", Resolve([job], Objects()).Reason);
        Assert.Equal(PodGroupStanding.Waiting, Resolve([job], Objects()).Standing);

        // Nobody owns it: its Job was deleted, and it was left behind.
        var orphan = job with { Gang = job.Gang! with { IsOwned = false } };
        Assert.Equal(PodGroupStanding.Single, Resolve([orphan], Objects()).Standing);
        Assert.Equal(PodGroupStanding.Single, Resolve([job], new GroupObjectTable()).Standing);

        // It says enough itself.
        var sized = job with { Gang = job.Gang! with { Size = 2 } };
        Assert.Equal(PodGroupStanding.Waiting, Resolve([sized], new GroupObjectTable()).Standing);
        Assert.Equal(PodGroupStanding.Complete, Resolve([sized, sized with { Uid = "2" }], new GroupObjectTable()).Standing);
    }

    [Fact]
    public void Members_that_have_done_their_work_are_not_waited_for()
    {
        var objects = Objects(new GroupObject { Id = s_job, Size = 4, Succeeded = 2 });
        var group = Resolve([Job("u", 2), Job("u", 3)], objects);
        Assert.Equal((PodGroupStanding.Complete, 2, 2), (group.Standing, group.MinMembers, group.Size));
    }

    [Fact]
    public void Pods_may_make_elastic_what_their_controller_did_not()
    {
        var objects = Objects(new GroupObject { Id = s_job, Size = 4 });
        PodInfo[] pods = [.. Enumerable.Range(0, 3).Select(i => Job("u", i)).Select(p => p with { Gang = p.Gang! with { MinMembers = 2 } })];
        var group = Resolve(pods, objects);
        Assert.Equal((PodGroupStanding.Complete, 2, 4), (group.Standing, group.MinMembers, group.Size));
        Assert.Equal((2, 3), (group.Roles[0].MinMembers, group.Roles[0].Members.Length));
    }

    [Fact]
    public void What_the_object_and_the_pods_say_must_agree()
    {
        var objects = Objects(new GroupObject { Id = s_job, Size = 4 });
        var job = Job("u", 0);
        Assert.Equal(
            "jobs.batch default/j and its pods disagree on the size of the gang: 4 and 8",
            Resolve([job with { Gang = job.Gang! with { Size = 8 } }], objects).Reason);
    }

    [Fact]
    public void Parts_that_start_after_others_are_waited_for_once_they_have_begun()
    {
        var objects = Objects(new GroupObject
        {
            Id = s_job,
            Size = 3,
            Parts = [new PodGroupPart("leader", 1), new PodGroupPart("worker", 2)],
            PartsInOrder = true,
        });
        var leader = Job("u", 0) with { NodeName = "n" };
        leader = leader with { Gang = leader.Gang! with { Role = "leader" } };
        PodInfo[] workers = [.. Enumerable.Range(1, 2).Select(i => Job("u", i)).Select(p => p with { Gang = p.Gang! with { Role = "worker" } })];

        Assert.Equal(PodGroupStanding.Single, Resolve([leader], objects).Standing);
        Assert.Equal("2 of 3 members present (worker: 1 of 2)", Resolve([leader, workers[0]], objects).Reason);
        Assert.Equal(3, Resolve([leader, .. workers], objects).MinMembers);
    }

    [Fact]
    public void Any_pods_and_objects_make_one_group_in_any_order_without_a_fault()
    {
        var names = Words.Names;
        var words = Gen.Select(Gen.Int[0, names.Length - 1].Select(i => names[i]), Words.Value).Array[0, 6];
        var few = Gen.Frequency((4, Gen.Const(Array.Empty<(PodField, string)>())), (1, words));
        var roles = Gen.Int[0, 2].Select(r => r == 0 ? [] : new[] { (GangDialects.Common.Role[0], r == 1 ? "worker" : "launcher") });
        var pod = Gen.Select(Gen.Frequency((1, few), (1, roles)), Gen.Int[0, 2], Gen.Bool, Gen.Int[0, 9]);
        var part = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4], Gen.Int[0, 4]);
        var item = Gen.Select(Gen.Int[-1, 4], Gen.Int[-1, 4], Gen.Int[0, 2], part.Array[0, 2], Gen.Int[0, 7]);

        // Words that all pods share put them into gangs together.
        Gen.Select(Gen.Frequency((1, words), (5, Words.Plausible)), pod.Array[0, 6], item, Gen.Int[0, 1 << 20]).Sample((shared, drafts, draft, seed) =>
        {
            var pods = drafts.Select((d, i) => Pod(i, [.. shared, .. d.Item1], d.Item2, d.Item3, d.Item4)).ToList();
            foreach (var gang in pods.Where(p => p.Gang is not null).GroupBy(p => p.Gang!.Key))
            {
                var objects = Objects(gang.Select(p => p.Gang!.Object).OfType<GroupObjectId>().Distinct().Select(id => Object(id, draft)).ToArray());
                var members = gang.ToList();
                var group = Resolve(members, objects);
                Assert.Equal(Text(group), Text(Resolve(members, objects)));
                Assert.Equal(Text(group), Text(Resolve([.. members.OrderBy(m => HashCode.Combine(seed, m.Uid))], objects)));
                Check(group, members);
            }
        }, iter: 1000);
    }

    /// <summary>What must hold of any group.</summary>
    private static void Check(PodGroup group, List<PodInfo> pods)
    {
        Assert.Equal(group.Standing == PodGroupStanding.Complete, group.Reason.Length == 0);
        Assert.Subset(pods.Select(p => p.Uid).ToHashSet(), group.Members.Select(p => p.Uid).ToHashSet());
        Assert.DoesNotContain(group.Members, m => m.IsTerminating);
        if (pods.Any(p => p.Gang!.Invalid is not null && !p.IsTerminating))
        {
            // Unless all of them are leftovers of an object that is no more.
            Assert.True(group.Standing == PodGroupStanding.Invalid || group.Members.Length < pods.Count);
        }

        if (group.Standing != PodGroupStanding.Complete)
        {
            return;
        }

        Assert.InRange(group.MinMembers, 1, group.Members.Length);
        Assert.True(group.Size >= group.Members.Length);
        Assert.Equal(group.MinMembers, group.Roles.Sum(r => r.MinMembers));
        Assert.Equal(group.Members.Length, group.Roles.Sum(r => r.Members.Length));
        Assert.Equal(group.Members.Select(m => m.Uid).Order(), group.Roles.SelectMany(r => r.Members).Select(m => m.Uid).Order());
        Assert.All(group.Roles, r => Assert.All(r.Members, m => Assert.Equal((r.Part, r.Request), (m.Gang!.Role, m.Request))));
    }

    private static string Text(PodGroup group) =>
        $"{group.Key} {group.Standing} {group.Reason} {group.MinMembers}/{group.Size} {group.Timeout} {group.Topology} {group.Priority} {group.Object} "
        + $"[{string.Join(", ", group.Parts)}] [{string.Join(", ", group.Members.Select(m => m.Uid))}] "
        + string.Join("; ", group.Roles.Select(r => $"{r.Part} {r.Request} {r.MinMembers}: {string.Join(", ", r.Members.Select(m => m.Uid))}"));

    private static PodInfo Pod(int number, (PodField, string)[] words, int gpus, bool isBound, int state)
    {
        var builder = new PodInfoBuilder { Uid = $"u{number}", Name = $"p{number}", NodeName = isBound ? "n" : null, IsTerminating = state == 0, Priority = state };
        Words.Put(builder, words);
        if (state == 1)
        {
            builder.AddSchedulingGate("kueue.x-k8s.io/admission");
        }

        var container = new ContainerResources();
        container.AddRequest(GpuAnnotations.GpuResource, $"{gpus}");
        builder.AddContainer(container);
        return builder.Build();
    }

    private static GroupObject Object(GroupObjectId id, (int Min, int Size, int Succeeded, (int Name, int Min, int Size)[] Parts, int Kind) draft) => new()
    {
        Id = id,
        Uid = draft.Kind == 0 ? "1" : "",
        IsGang = draft.Kind != 1,
        PartsInOrder = draft.Kind == 2,
        Invalid = draft.Kind == 3 ? "it is wrong" : null,
        MinMembers = draft.Min < 0 ? null : draft.Min,
        Size = draft.Size < 0 ? null : draft.Size,
        Succeeded = draft.Succeeded,
        Parts = [.. draft.Parts.DistinctBy(p => p.Name).Select(p => new PodGroupPart(((string[])["worker", "launcher", "a", "leader"])[p.Name], p.Min) { Size = draft.Kind == 4 ? p.Size : null })],
    };

    private static PodInfo[] Gang(int count, string word, int number) =>
    [
        .. Enumerable.Range(0, count).Select(i => new PodBuilder($"u{i}").Gpus(8)
            .Annotate(GpuAnnotations.GangName, "g").Annotate(GpuAnnotations.GangIndex, $"{i}").Annotate(GpuAnnotations.Prefix + "gang-" + word, $"{number}")
            .Build() with { Name = $"p{i}" }),
    ];

    private static PodInfo Job(string uid, int index)
    {
        var builder = new PodInfoBuilder { Uid = $"{uid}-{index}", Name = $"j-{index}-{uid}" };
        builder.AddLabel("batch.kubernetes.io/job-name", "j");
        builder.AddLabel("batch.kubernetes.io/job-completion-index", $"{index}");
        builder.AddLabel("batch.kubernetes.io/controller-uid", uid);
        builder.SetController("Job");
        return builder.Build();
    }

    private static GroupObjectTable Objects(params GroupObject[] items)
    {
        var objects = new GroupObjectTable();
        objects.Replace(GroupKinds.Job, []);
        foreach (var item in items)
        {
            objects.Upsert(item);
        }

        return objects;
    }

    private static PodGroup Resolve(IReadOnlyList<PodInfo> pods, GroupObjectTable? objects = null) => PodGroupResolver.Resolve(pods[0].Gang!.Key, pods, objects ?? new GroupObjectTable());
}
