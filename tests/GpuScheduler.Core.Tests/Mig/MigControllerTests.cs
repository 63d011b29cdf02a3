using GpuScheduler.Core.Mig;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Core.Tests.Mig;

public class MigControllerTests
{
    [Fact]
    public void A_pod_that_finds_no_place_gets_one_on_an_idle_node_that_is_cut_anew()
    {
        var world = new MigWorld().Node("n1");
        Assert.Null(world.Pod("p", "1g.10gb"));

        world.Wait();
        Assert.Equal("all-1g.10gb", world.Label("n1", MigLabels.Config));
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.From));
        Assert.Null(world.Try("p"));
        Assert.Equal("MIG layout is being changed to all-1g.10gb", world.Engine.Schedule(Big()).Refusals.Single().Key.Reason);

        world.Begin("n1").Tick().Finish("n1").Tick().Tick();
        Assert.Equal([MigNoticeKind.Started, MigNoticeKind.Changed], world.Notices.Select(n => n.Kind));
        Assert.Equal("p", world.Woken.Single().Uid);
        Assert.Null(world.Label("n1", MigLabels.To));
        Assert.Empty(world.Controller.View.Changes);
        Assert.Equal("n1", world.Try("p"));
        Assert.Empty(world.Faults);
    }

    [Fact]
    public void Nothing_is_changed_before_a_pod_has_waited_long_enough_nor_for_one_that_has_a_place_by_then()
    {
        var world = new MigWorld().Node("n1").Node("n2", "all-1g.10gb");
        Assert.NotNull(world.Pod("fits", "1g.10gb"));
        Assert.Null(world.Pod("big", "3g.40gb"));
        world.Tick().Tick(world.Options.MinWait - TimeSpan.FromSeconds(1));
        Assert.Empty(world.Writes);

        world.Tick(TimeSpan.FromSeconds(10));
        Assert.Equal("all-3g.40gb", world.Label("n1", MigLabels.Config));
        Assert.Equal("all-1g.10gb", world.Label("n2", MigLabels.Config));
    }

    [Fact]
    public void Nothing_is_changed_for_a_pod_that_the_gate_of_others_keeps_from_being_scheduled()
    {
        var world = new MigWorld().Node("n1");
        world.Engine.Cluster.UpsertPod(new PodBuilder("gated").Mig("1g.10gb").Gate("kueue.x-k8s.io/admission").Build());
        world.Wait().Wait();
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));

        Assert.Null(world.Pod("free", "1g.10gb"));
        world.Wait().Wait();
        Assert.Equal("all-1g.10gb", world.Label("n1", MigLabels.Config));
    }

    [Theory]
    [InlineData("in use")]
    [InlineData("not marked")]
    [InlineData("failed before")]
    [InlineData("at work")]
    [InlineData("gang or several")]
    public void A_node_is_left_alone_when_it_is(string why)
    {
        var world = new MigWorld().Node("n1", dynamic: why != "not marked");
        if (why == "in use")
        {
            Assert.Equal("n1", world.Pod("user", "7g.80gb"));
        }

        if (why is "failed before" or "at work")
        {
            world.SetLabel("n1", MigLabels.State, why == "at work" ? "pending" : MigLabels.Failed);
        }

        Assert.Null(world.Pod("p", "1g.10gb", why == "gang or several" ? 2 : 1));
        world.Wait();
        Assert.Empty(world.Writes);
        Assert.Equal(why == "gang or several" ? 1 : 0, world.Controller.View.Passed);
    }

    [Fact]
    public void Success_of_an_earlier_change_is_not_taken_for_this_one()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait().Tick().Tick(TimeSpan.FromSeconds(5));

        // mig-manager has not begun: the state still says success.
        Assert.Equal(MigPhase.Changing, world.Controller.View.Changes.Single().Phase);
    }

    [Fact]
    public void A_change_that_fails_is_taken_back_said_and_not_tried_again_soon()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait().Begin("n1").Tick().Finish("n1", succeeds: false).Tick();
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
        Assert.Equal("restoring", world.Label("n1", MigLabels.Phase));

        // Still the old failure: mig-manager has not begun with the restoration.
        world.Tick().Tick();
        Assert.Equal(MigPhase.Restoring, world.Controller.View.Changes.Single().Phase);
        world.Begin("n1").Tick().Finish("n1").Tick().Tick();
        Assert.Empty(world.Controller.View.Changes);
        Assert.Equal([MigNoticeKind.Started, MigNoticeKind.Failed, MigNoticeKind.Restored], world.Notices.Select(n => n.Kind));
        Assert.Contains("mig-manager says that it failed", world.Notices[1].Note, StringComparison.Ordinal);
        Assert.Equal("n1", world.Pod("big", "7g.80gb"));
        world.End("big");

        world.Wait();
        Assert.Equal(["config all-1g.10gb", "node n1"], world.Controller.View.Paused.Keys);
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
        world.Tick(world.Options.Backoff);
        Assert.Equal("all-1g.10gb", world.Label("n1", MigLabels.Config));
        world.Begin("n1").Tick().Finish("n1", succeeds: false).Tick().Begin("n1").Tick().Finish("n1").Tick().Tick();

        // Twice as long the second time.
        world.Tick(world.Options.Backoff).Tick(TimeSpan.FromSeconds(30));
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
        world.Tick(world.Options.Backoff);
        Assert.Equal("all-1g.10gb", world.Label("n1", MigLabels.Config));
    }

    [Fact]
    public void A_configuration_that_fails_on_one_node_is_not_tried_on_the_next_at_once()
    {
        var world = new MigWorld(new MigOptions { Configs = [MigWorld.Configs[0]] }).Node("n1").Node("n2");
        world.Pod("p", "1g.10gb");
        world.Wait().Begin("n1").Tick().Finish("n1", succeeds: false).Tick().Begin("n1").Tick().Finish("n1").Tick().Wait();

        Assert.Equal("all-7g.80gb", world.Label("n2", MigLabels.Config));
    }

    [Theory]
    [InlineData("pending")]
    [InlineData("rebooting")]
    [InlineData("success")]
    public void A_change_that_takes_too_long_is_taken_back(string state)
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait();
        world.SetLabel("n1", MigLabels.State, state);
        world.Tick(world.Options.Timeout - TimeSpan.FromSeconds(40));
        Assert.Equal("all-1g.10gb", world.Label("n1", MigLabels.Config));
        world.Tick(TimeSpan.FromMinutes(1));
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
        Assert.Contains(state, world.Notices[^1].Note.Replace("succeeded", "success", StringComparison.Ordinal), StringComparison.Ordinal);

        // And if the restoration takes too long as well, the node is opened all the same.
        world.SetLabel("n1", MigLabels.State, "pending");
        world.Tick(world.Options.Timeout + TimeSpan.FromSeconds(1)).Tick().Tick();
        Assert.Empty(world.Controller.View.Changes);
        Assert.Null(world.Label("n1", MigLabels.To));
        Assert.Null(world.Cluster.Current.Find("n1")!.Facts.Closed);
    }

    [Theory]
    [InlineData("asked")]
    [InlineData("at work")]
    [InlineData("done")]
    [InlineData("failed")]
    [InlineData("restoring")]
    public void The_next_process_ends_what_this_one_began(string when)
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait();
        if (when != "asked")
        {
            world.Begin("n1").Tick();
        }

        switch (when)
        {
            case "done":
                world.Finish("n1");
                break;
            case "failed":
                world.Finish("n1", succeeds: false);
                break;
            case "restoring":
                world.Finish("n1", succeeds: false).Tick();
                break;
            default:
                break;
        }

        world.Restart();
        Assert.Null(world.Try("p"));
        Assert.Equal("MIG layout is being changed to all-1g.10gb", world.Cluster.Current.Find("n1")!.Facts.Closed?.Reason);
        world.Tick();
        if (when is "failed" or "restoring")
        {
            world.Begin("n1").Tick().Finish("n1").Tick().Tick();
            Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
            Assert.Null(world.Try("p"));
        }
        else
        {
            world.Begin("n1").Tick().Finish("n1").Tick().Tick().Tick();
            Assert.Equal("n1", world.Try("p"));
        }

        Assert.Empty(world.Controller.View.Changes);
        Assert.Null(world.Label("n1", MigLabels.From));
        Assert.Empty(world.Faults);
    }

    [Fact]
    public void What_somebody_else_asks_for_meanwhile_wins()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait().Begin("n1").Tick();
        world.SetLabel("n1", MigLabels.Config, "all-balanced");
        world.Tick().Tick();

        Assert.Equal("all-balanced", world.Label("n1", MigLabels.Config));
        Assert.Null(world.Label("n1", MigLabels.To));
        Assert.Equal(MigNoticeKind.GivenUp, world.Notices[^1].Kind);
        Assert.Empty(world.Controller.View.Changes);
    }

    [Fact]
    public void What_somebody_else_asked_for_just_before_wins_too()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Answers = w => w.Labels.ContainsKey(MigLabels.Config) ? MigWriteOutcome.Changed : null;
        world.Wait().Tick().Tick();

        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
        Assert.Empty(world.Controller.View.Changes);
        Assert.Null(world.Cluster.Current.Find("n1")!.Facts.Closed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_on_which_others_place_a_pod_meanwhile_is_left_alone(bool whileRestoring)
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        if (whileRestoring)
        {
            world.Wait().Begin("n1").Tick().Finish("n1", succeeds: false);
        }

        world.Answers = w => w.Labels.ContainsKey(MigLabels.Config) ? MigWriteOutcome.Failed : null;
        if (whileRestoring)
        {
            world.Tick();
        }
        else
        {
            world.Wait();
        }

        world.Cluster.UpsertPod(new Testing.PodBuilder("other").Mig("7g.80gb").On("n1").Build());
        world.Answers = _ => null;
        var before = world.Label("n1", MigLabels.Config);
        world.Tick().Tick();

        Assert.Equal(before, world.Label("n1", MigLabels.Config));
        Assert.Equal(MigNoticeKind.GivenUp, world.Notices[^1].Kind);
        Assert.Empty(world.Controller.View.Changes);
    }

    [Fact]
    public void A_node_that_goes_is_forgotten_and_another_one_is_changed()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait().Begin("n1").Tick();
        world.Remove("n1");
        world.Node("n2").Tick().Wait();

        Assert.Equal("all-1g.10gb", world.Label("n2", MigLabels.Config));
    }

    [Fact]
    public void A_write_that_fails_is_tried_again_and_given_up_in_the_end()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Answers = w => w.Labels.ContainsKey(MigLabels.Config) ? MigWriteOutcome.Failed : null;
        world.Wait().Tick().Tick();
        Assert.Equal("the test said no", world.Controller.View.Changes.Single().Problem);
        Assert.NotNull(world.Cluster.Current.Find("n1")!.Facts.Closed);

        world.Tick(world.Options.Timeout).Tick().Tick();
        Assert.Empty(world.Controller.View.Changes);
        Assert.Null(world.Cluster.Current.Find("n1")!.Facts.Closed);
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
    }

    [Fact]
    public void A_write_whose_answer_was_lost_counts_as_written()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        var lost = true;
        world.Answers = w =>
        {
            if (lost)
            {
                lost = false;
                foreach (var (label, value) in w.Labels)
                {
                    world.SetLabel(w.Node, label, value);
                }

                return MigWriteOutcome.Failed;
            }

            return null;
        };
        world.Wait().Tick();

        Assert.Equal(MigPhase.Changing, world.Controller.View.Changes.Single().Phase);
    }

    [Fact]
    public void As_many_nodes_change_at_once_as_are_allowed_and_no_more_than_are_needed()
    {
        var world = new MigWorld(new MigOptions { Configs = MigWorld.Configs, MostAtOnce = 2 }).Node("n1").Node("n2").Node("n3").Node("n4");
        foreach (var i in Enumerable.Range(0, 30))
        {
            world.Pod($"p{i:D2}", "1g.10gb");
        }

        world.Wait();
        Assert.Equal(2, world.Nodes.Count(n => world.Label(n, MigLabels.Config) == "all-1g.10gb"));
        foreach (var node in new[] { "n1", "n2" })
        {
            world.Begin(node).Finish(node);
        }

        world.Tick().Tick();
        Assert.Equal(28, world.Pods.Count(p => world.Try(p) is not null));
        world.Wait();
        Assert.Equal(3, world.Nodes.Count(n => world.Label(n, MigLabels.Config) == "all-1g.10gb"));
        Assert.Empty(world.Faults);
    }

    [Fact]
    public void A_node_that_was_changed_rests_before_it_is_changed_again()
    {
        var world = new MigWorld().Node("n1");
        world.Pod("p", "1g.10gb");
        world.Wait().Begin("n1").Finish("n1").Tick().Tick();
        world.Try("p");
        world.End("p");
        world.Pod("big", "7g.80gb");
        world.Wait();
        Assert.Equal("all-1g.10gb", world.Label("n1", MigLabels.Config));

        world.Tick(world.Options.Cooldown);
        Assert.Equal("all-7g.80gb", world.Label("n1", MigLabels.Config));
    }

    [Fact]
    public void Nodes_that_hand_out_whole_GPUs_are_cut_as_well_and_joined_again()
    {
        var world = new MigWorld().Node("n1", "all-disabled");
        world.Pod("p", "3g.40gb");
        world.Wait().Begin("n1").Finish("n1").Tick().Tick();

        Assert.Equal("n1", world.Try("p"));
    }

    [Fact]
    public void Instances_in_use_are_never_cut_anew_whatever_happens_when()
    {
        var changed = 0;
        for (var seed = 1; seed <= 60; seed++)
        {
            var random = new Random(seed);
            var options = new MigOptions { Configs = MigWorld.Configs, MostAtOnce = 1 + random.Next(3), MinWait = TimeSpan.FromSeconds(5), Cooldown = TimeSpan.FromSeconds(20), Backoff = TimeSpan.FromSeconds(10), Timeout = TimeSpan.FromMinutes(2) };
            var world = new MigWorld(options);
            var names = Enumerable.Range(1, 5).Select(i => $"n{i}").ToList();
            names.ForEach(n => world.Node(n, MigWorld.Configs[random.Next(6)].Name, random.Next(4) > 0));
            var next = 0;
            for (var step = 0; step < 800; step++)
            {
                var node = names[random.Next(names.Count)];
                switch (random.Next(9))
                {
                    case 0 or 1:
                        world.Pod($"p{next++}", new[] { "1g.10gb", "2g.20gb", "3g.40gb", "7g.80gb", "gpu" }[random.Next(5)]);
                        break;
                    case 2 or 3 when world.Pods.Any():
                        world.End(world.Pods.ElementAt(random.Next(world.Pods.Count())));
                        break;
                    case 4:
                        foreach (var pod in world.Pods.ToList())
                        {
                            world.Try(pod);
                        }

                        break;
                    case 5 when world.Label(node, MigLabels.To) is not null && world.Label(node, MigLabels.State) != "pending":
                        world.Begin(node);
                        break;
                    case 6 when world.Label(node, MigLabels.State) == "pending":
                        world.Finish(node, random.Next(4) > 0);
                        break;
                    case 7 when random.Next(10) == 0:
                        world.Restart();
                        break;
                    default:
                        world.Answers = _ => random.Next(8) == 0 ? MigWriteOutcome.Failed : null;
                        world.Tick(TimeSpan.FromSeconds(random.Next(10)));
                        break;
                }
            }

            changed += world.Notices.Count(n => n.Kind == MigNoticeKind.Changed);
            Assert.True(world.Faults.Count == 0, $"seed {seed}: {string.Join("; ", world.Faults)}");
        }

        Assert.True(changed > 60, $"only {changed} changes came to their end");
    }

    private static Core.Requests.PodInfo Big() => new Testing.PodBuilder("big").Mig("7g.80gb").Build();
}
