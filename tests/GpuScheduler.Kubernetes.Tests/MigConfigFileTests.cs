using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Mig;
using GpuScheduler.Testing;
using Xunit;

namespace GpuScheduler.Kubernetes.Tests;

public class MigConfigFileTests
{
    // In the form of the file that the GPU operator mounts into mig-manager.
    private const string File = """
        version: v1
        mig-configs:
          all-disabled:
            - devices: all
              mig-enabled: false
          all-1g.10gb:
            - device-filter: ["0x20B210DE", "0x20B510DE", "0x233010DE"]
              devices: all
              mig-enabled: true
              mig-devices:
                "1g.10gb": 7
            - device-filter: "0x20B010DE"
              devices: all
              mig-enabled: true
              mig-devices: { "1g.10gb": 4 }
          media:
            - devices: all
              mig-enabled: true
              mig-devices: { "1g.10gb+me": 1, "2g.20gb": 3 }
          unquoted-filter:
            - device-filter: 0x20B210DE
              devices: all
              mig-enabled: true
              mig-devices: { 7g.80gb: 1 }
          halves:
            - devices: [0, 1]
              mig-enabled: true
              mig-devices: { "3g.40gb": 2 }
            - devices: [2, 3]
              mig-enabled: false
          some:
            - devices: [0]
              mig-enabled: true
              mig-devices: { "3g.40gb": 2 }
          too-much:
            - devices: all
              mig-enabled: true
              mig-devices: { "4g.40gb": 2 }
          unknown-profile:
            - devices: all
              mig-enabled: true
              mig-devices: { "1g.24gb+gfx": 4 }
        """;

    private const string A100With80 = "NVIDIA-A100-SXM4-80GB";

    [Theory]
    [InlineData("all-1g.10gb", A100With80, "1g.10gb:28")]
    [InlineData("all-1g.10gb", "NVIDIA-A100-SXM4-40GB", "1g.10gb:16")]
    [InlineData("all-disabled", A100With80, "whole:4")]
    [InlineData("media", A100With80, "1g.10gb.me:4 2g.20gb:12")]
    [InlineData("unquoted-filter", A100With80, "7g.80gb:4")]
    [InlineData("halves", A100With80, "3g.40gb:4 whole:2")]
    public void A_configuration_says_what_a_node_of_four_GPUs_will_have(string name, string product, string expected)
    {
        Assert.True(Load(name).TryApply(Node(product), out var target, out var why), why);
        var parts = target.Geometry.Profiles.Select((p, i) => (p.Name, Count: target.Total[i])).Append((Name: "whole", Count: target.Whole));
        Assert.Equal(expected, string.Join(' ', parts.Where(p => p.Count > 0).Select(p => $"{p.Name}:{p.Count}")));
    }

    [Theory]
    [InlineData("some", A100With80, "says nothing of GPU 1")]
    [InlineData("too-much", A100With80, "do not fit on one")]
    [InlineData("unknown-profile", A100With80, "has 1g.24gb.gfx, which these GPUs do not have")]
    [InlineData("all-1g.10gb", "NVIDIA-H200", "says nothing of GPU 0")]
    [InlineData("all-disabled", "Tesla-T4", "are not known")]
    public void One_that_cannot_be_used_on_a_node_says_why(string name, string product, string why)
    {
        Assert.False(Load(name).TryApply(Node(product), out _, out var actual));
        Assert.Contains(why, actual, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_profiles_may_drift_as_drivers_have_them()
    {
        // The same board shows 1g.23gb and 1g.24gb.
        var config = Read("mig-configs: {x: [{devices: all, mig-enabled: true, mig-devices: {1g.24gb: 7}}]}", "x");

        Assert.True(config.TryApply(Node("NVIDIA-GB200"), out var target, out _));
        Assert.Equal(28, target.Total[target.Geometry.IndexOf("1g.23gb")]);
    }

    [Theory]
    [InlineData("mig-configs: {a: [{devices: all, mig-enabled: false}]}", "has no configuration x; it has a")]
    [InlineData("configs: 1", "mig-configs has to be an object")]
    [InlineData("- 1", "an object")]
    [InlineData("a: [", "is not YAML")]
    [InlineData("", "the file has to be an object")]
    [InlineData("mig-configs: {x: [{devices: all, mig-enabled: false}], x: []}", "the same key")]
    [InlineData("mig-configs: {x: []}", "mig-configs.x has to be a list with at least one entry")]
    [InlineData("mig-configs: {x: [{devices: all}]}", "mig-configs.x[0].mig-enabled has to be true or false")]
    [InlineData("mig-configs: {x: [{mig-enabled: true}]}", "mig-configs.x[0].devices has to be \"all\" or a list")]
    [InlineData("mig-configs: {x: [{devices: [-1], mig-enabled: true}]}", "mig-configs.x[0].devices has to be \"all\" or a list")]
    [InlineData("mig-configs: {x: [{devices: all, mig-enabled: true, mig-devices: {1g.10gb: many}}]}", "mig-configs.x[0].mig-devices.1g.10gb has to be a count")]
    [InlineData("mig-configs: {x: [{devices: all, mig-enabled: true, mig-devices: [1g.10gb]}]}", "mig-devices has to be an object")]
    [InlineData("mig-configs: {x: [{devices: all, mig-enabled: true, device-filter: {}}]}", "device-filter has to be a PCI device id")]
    public void What_is_wrong_with_a_file_is_said(string yaml, string what)
    {
        var message = Assert.Throws<InvalidDataException>(() => Read(yaml, "x")).Message;
        Assert.StartsWith("mig.yaml", message, StringComparison.Ordinal);
        Assert.Contains(what, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_said() =>
        Assert.Contains("/nowhere/mig.yaml cannot be read", Assert.Throws<InvalidDataException>(() => MigConfigFile.Load("/nowhere/mig.yaml", ["x"])).Message, StringComparison.Ordinal);

    private static NodeFacts Node(string product) => NodeFactsBuilder.Build(new NodeBuilder("n").Gpus(product, 4).Build(), null);

    private static MigConfig Load(string name) => Read(File, name);

    private static MigConfig Read(string yaml, string name)
    {
        using var text = new StringReader(yaml);
        return Assert.Single(MigConfigFile.Read(text, "mig.yaml", [name]));
    }
}
