using CsCheck;
using GpuScheduler.Core.Cluster;
using GpuScheduler.Core.Devices;
using Xunit;

namespace GpuScheduler.Core.Tests.Devices;

public class DeviceAssignmentTests
{
    private static readonly Gen<AssignedDevice> s_device =
        Gen.Select(Gen.Int[0, 63], Gen.Int[0, 3], Gen.Int[1, 200_000], Gen.Int[1, 1000], Gen.Int[0, 7], Gen.Bool).Select((gpu, kind, memory, milli, start, known) =>
        {
            var uuid = known ? $"GPU-{gpu}-\"é\\\n" : null;
            return kind switch
            {
                0 => new AssignedDevice(gpu, uuid),
                1 => new AssignedDevice(gpu, uuid, new MigPlacement("1g.10gb.me", start, 8 - start)),
                2 => new AssignedDevice(gpu, uuid, MemoryMiB: memory),
                _ => new AssignedDevice(gpu, uuid, MemoryMiB: memory, Milli: milli),
            };
        });

    [Fact]
    public void What_was_written_is_read_back() => s_device.Array[0, 20].Sample(devices =>
    {
        var written = new DeviceAssignment([.. devices]);
        Assert.True(DeviceAssignment.TryParse(written.ToAnnotation(), out var read, out _));
        Assert.Equal(written, read);
        Assert.Equal(written.GetHashCode(), read.GetHashCode());
    });

    [Fact]
    public void The_form_is_the_documented_one() => Assert.Equal(
        """[{"gpu":0,"uuid":"GPU-a"},{"gpu":2,"mig":"1g.10gb","start":4,"size":1},{"gpu":1,"memoryMiB":4096,"milli":250}]""",
        new DeviceAssignment(
        [
            new AssignedDevice(0, "GPU-a"),
            new AssignedDevice(2, Mig: new MigPlacement("1g.10gb", 4, 1)),
            new AssignedDevice(1, MemoryMiB: 4096, Milli: 250),
        ]).ToAnnotation());

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("0")]
    [InlineData("\"GPU-1\"")]
    [InlineData("[")]
    [InlineData("[]]")]
    [InlineData("[] x")]
    [InlineData("[0]")]
    [InlineData("[null]")]
    [InlineData("[[]]")]
    [InlineData("[{}]")]
    [InlineData("""[{"uuid":"GPU-1"}]""")]
    [InlineData("""[{"gpu":-1}]""")]
    [InlineData("""[{"gpu":64}]""")]
    [InlineData("""[{"gpu":"0"}]""")]
    [InlineData("""[{"gpu":0.5}]""")]
    [InlineData("""[{"gpu":null}]""")]
    [InlineData("""[{"gpu":99999999999}]""")]
    [InlineData("""[{"gpu":0,"uuid":5}]""")]
    [InlineData("""[{"gpu":0,"milli":1001}]""")]
    [InlineData("""[{"gpu":0,"milli":-1}]""")]
    [InlineData("""[{"gpu":0,"memoryMiB":-1}]""")]
    [InlineData("""[{"gpu":0,"mig":"1g.5gb"}]""")]
    [InlineData("""[{"gpu":0,"mig":"1g.5gb","start":8,"size":1}]""")]
    [InlineData("""[{"gpu":0,"mig":"1g.5gb","start":-1,"size":1}]""")]
    [InlineData("""[{"gpu":0,"mig":"1g.5gb","start":4,"size":5}]""")]
    [InlineData("""[{"gpu":0,"mig":"1g.5gb","start":7,"size":2147483647}]""")]
    [InlineData("""[{"gpu":0,"mig":"1g.5gb","start":0,"size":0}]""")]
    [InlineData("""[{"gpu":0,"mig":{},"start":0,"size":1}]""")]
    [InlineData("""[{"gpu":0},]""")]
    [InlineData("""[{"gpu":0}""")]
    [InlineData("""[{"gpu":0,"uuid":"\ud800"}]""")]
    public void Junk_is_refused_with_a_reason(string text)
    {
        Assert.False(DeviceAssignment.TryParse(text, out var assignment, out var why));
        Assert.Null(assignment);
        Assert.NotEmpty(why);
    }

    [Theory]
    [InlineData("[]", 0)]
    [InlineData(" [ { \"gpu\" : 0 } ] \n", 1)]
    [InlineData("""[{"gpu":0,"later":{"deep":[1,{"a":2}]},"other":[]},{"later":1,"gpu":1}]""", 2)]
    [InlineData("""[{"gpu":0,"uuid":null}]""", 1)]
    public void Space_and_words_of_a_later_version_are_passed_over(string text, int devices)
    {
        Assert.True(DeviceAssignment.TryParse(text, out var assignment, out _));
        Assert.Equal(devices, assignment.Devices.Length);
    }

    [Fact]
    public void A_list_that_no_pod_can_hold_is_not_believed()
    {
        var text = "[" + string.Join(',', Enumerable.Repeat("""{"gpu":0,"milli":1}""", 5000)) + "]";
        Assert.False(DeviceAssignment.TryParse(text, out _, out _));
        Assert.False(DeviceAssignment.TryParse(new string('[', 100_000), out _, out _));
    }

    [Fact]
    public void No_text_makes_it_throw()
    {
        Gen.String.Sample(text => DeviceAssignment.TryParse(text, out _, out var why) == why is null);
        string[] shards = ["[", "]", "{", "}", ",", ":", "\"gpu\"", "\"mig\"", "\"uuid\"", "\"start\"", "\"size\"", "0", "1", "-1", "1e9", "null", "true", "\"x\""];
        Gen.Int[0, shards.Length - 1].Array[0, 14].Sample(picks => DeviceAssignment.TryParse(string.Concat(picks.Select(i => shards[i])), out _, out var why) == why is null);
    }

    [Fact]
    public void Visible_devices_are_UUIDs_when_all_are_known_else_indices_and_nothing_for_a_nameless_MIG_device()
    {
        Assert.Equal("GPU-a,GPU-b", new DeviceAssignment([new AssignedDevice(0, "GPU-a"), new AssignedDevice(1, "GPU-b")]).ToVisibleDevices());
        Assert.Equal("0,1", new DeviceAssignment([new AssignedDevice(0, "GPU-a"), new AssignedDevice(1)]).ToVisibleDevices());
        Assert.Equal("MIG-a", new DeviceAssignment([new AssignedDevice(0, "MIG-a", new MigPlacement("1g.5gb", 0, 1))]).ToVisibleDevices());
        Assert.Null(new DeviceAssignment([new AssignedDevice(0, Mig: new MigPlacement("1g.5gb", 0, 1))]).ToVisibleDevices());
    }
}
