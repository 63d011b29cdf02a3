using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GpuScheduler.Core.Framework;
using GpuScheduler.Extender.Tests.Security;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Xunit;

namespace GpuScheduler.Extender.Tests;

/// <summary>Every wrong setting is refused at start, with the name of the option, its value, and what to change.</summary>
public sealed class OptionsTests : IDisposable
{
    private const string Kubeconfig = """
        apiVersion: v1
        kind: Config
        clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
        users: [{name: u, user: {token: t}}]
        contexts: [{name: x, context: {cluster: c, user: u}}]
        current-context: x
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("gpu-scheduler-options-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Urls", "127.0.0.1:18888", "Urls has \"127.0.0.1:18888\": an address such as http://127.0.0.1:18888")]
    [InlineData("Urls", "ftp://127.0.0.1", "Urls has \"ftp://127.0.0.1\": an address such as")]
    [InlineData("Urls", "http://127.0.0.1:99999", "Urls has \"http://127.0.0.1:99999\": an address such as")]
    [InlineData("Urls", "http://127.0.0.1:0/scheduler", "Urls has \"http://127.0.0.1:0/scheduler\": a path is not allowed")]
    [InlineData("Urls", "http://127.0.0.1:0?a=b", "a path is not allowed")]
    [InlineData("Urls", "http://scheduler.example:80", "\"scheduler.example\" is a name: give the IP address")]
    [InlineData("Urls", "", "Urls is empty: name at least one address")]
    [InlineData("Urls", " ; ", "Urls is empty: name at least one address")]
    [InlineData("Urls", "http://127.0.0.1:0;nonsense", "Urls has \"nonsense\"")]
    [InlineData("HealthUrls", "https://127.0.0.1:0", "HealthUrls has \"https://127.0.0.1:0\": only http:// is allowed here")]
    [InlineData("Cluster", "/no/such/file", "Cluster is \"/no/such/file\": there is no such file")]
    [InlineData("Cluster", "/tmp", "Cluster is \"/tmp\": there is no such file")]
    [InlineData("Kubeconfig", "/no/such/file", "Kubeconfig is \"/no/such/file\": there is no such file")]
    [InlineData("Engine:Weights:Topology", "-1", "Engine:Weights:Topology is -1: a number of 0 or more is allowed")]
    [InlineData("Engine:Weights:Stranding", "NaN", "Engine:Weights:Stranding is NaN: a number of 0 or more is allowed")]
    [InlineData("Engine:Weights:Stranding", "Infinity", "Engine:Weights:Stranding is")]
    [InlineData("Engine:Weights:Locality", "-1", "Engine:Weights:Locality is -1: a number of 0 or more is allowed")]
    [InlineData("Engine:Weights:Topology", "heavy", "Engine:Weights:Topology")]
    [InlineData("Profiles:try:Policy", "best", "Profiles:try:Policy is \"best\": bestfit, default")]
    [InlineData("Profiles:try:Policy", "podbypod", "Profiles:try:Policy is \"podbypod\": bestfit, default")]
    [InlineData("Profiles:try:Weights:Topology", "-2", "Profiles:try:Weights:Topology is -2: a number of 0 or more is allowed")]
    [InlineData("Profiles:a b:Policy", "fgd", "Profiles:a b is not a name")]
    [InlineData("Canary:Profile", "try", "Canary:Profile is \"try\": there is none under Profiles")]
    [InlineData("Canary:Profile", "base", "Canary:Profile is \"base\": that is what the profile is called that serves the others")]
    [InlineData("Canary:Share", "1.5", "Canary:Share is 1.5: 0 to 1 is allowed")]
    [InlineData("Canary:Share", "NaN", "Canary:Share is NaN: 0 to 1 is allowed")]
    [InlineData("Canary:Share", "0.1", "Canary:Profile is not set, but Canary:Share or Canary:Namespaces is")]
    [InlineData("Canary:Namespaces", "team-a", "Canary:Profile is not set, but Canary:Share or Canary:Namespaces is")]
    [InlineData("Canary:Namespaces", "team-a,team-b", "Canary:Namespaces has \"team-a,team-b\": that is no name of a namespace; they are separated by ';'")]
    [InlineData("Canary:Window", "00:00:05", "Canary:Window is 00:00:05: 00:00:10 to 1.00:00:00 is allowed")]
    [InlineData("Canary:MinPods", "4", "Canary:MinPods is 4: 5 to 1000000 is allowed")]
    [InlineData("Canary:MinDecisions", "0", "Canary:MinDecisions is 0: 5 to 1000000 is allowed")]
    [InlineData("Canary:MaxRefusalIncrease", "-0.1", "Canary:MaxRefusalIncrease is -0.1: 0 to 1 is allowed")]
    [InlineData("Canary:MaxLatency", "00:01:00", "Canary:MaxLatency is 00:01:00: 00:00:00.0001000 to 00:00:30 is allowed")]
    [InlineData("Logging:LogLevel:Default", "Loud", "Logging:LogLevel:Default is \"Loud\": Trace, Debug, Information, Warning, Error, Critical, None are allowed")]
    [InlineData("Shadow:Profile", "lost", "Shadow:Profile is \"lost\": there is no such profile; set Profiles:lost:Policy")]
    [InlineData("Engine:AnswerOneNode", "maybe", "Engine:AnswerOneNode")]
    [InlineData("DoNothing", "7", "DoNothing")]
    [InlineData("Holds:TentativeHold", "00:00:00", "Holds:TentativeHold is 00:00:00: 00:00:00.1000000 to 01:00:00 is allowed")]
    [InlineData("Holds:TentativeHold", "-00:00:30", "Holds:TentativeHold is -00:00:30")]
    [InlineData("Holds:TentativeHold", "30 seconds", "Holds:TentativeHold")]
    [InlineData("Holds:PromiseHold", "00:00:03", "Holds:PromiseHold is 00:00:03: 00:00:04 to 01:00:00 is allowed")]
    [InlineData("Holds:CommitHold", "2.00:00:00", "Holds:CommitHold is 2.00:00:00")]
    [InlineData("BindTimeout", "00:00:00.05", "BindTimeout is 00:00:00.0500000")]
    [InlineData("BindTimeout", "1:00:00", "BindTimeout is 01:00:00: 00:00:00.1000000 to 00:10:00 is allowed")]
    [InlineData("Limits:MaxRequestBodyMiB", "0", "Limits:MaxRequestBodyMiB is 0: 1 to 2048 is allowed")]
    [InlineData("Limits:MaxRequestBodyMiB", "2049", "Limits:MaxRequestBodyMiB is 2049")]
    [InlineData("Limits:MaxRequestBodyMiB", "many", "Limits:MaxRequestBodyMiB")]
    [InlineData("Limits:MaxRequestBodyMiB", "99999999999", "Limits:MaxRequestBodyMiB")]
    [InlineData("Limits:MaxRequestHeadersKiB", "0", "Limits:MaxRequestHeadersKiB is 0: 1 to 1024 is allowed")]
    [InlineData("Limits:MaxConnections", "3", "Limits:MaxConnections is 3: 16 to 1000000 is allowed")]
    [InlineData("Limits:HeadersTimeout", "00:00:00", "Limits:HeadersTimeout is 00:00:00: 00:00:00.1000000 to 00:05:00 is allowed")]
    [InlineData("Limits:LeastBytesPerSecond", "0", "Limits:LeastBytesPerSecond is 0: 1 to 1000000 is allowed")]
    [InlineData("Access:KeepAnswers", "1:00:00", "Access:KeepAnswers is 01:00:00: 00:00:00 to 00:10:00 is allowed")]
    [InlineData("Access:Tokens", "true", "Access:Tokens is true and Cluster (a snapshot file) is set: there is no API server to ask")]
    [InlineData("LeaderElection:Enabled", "true", "LeaderElection:Enabled is true and Cluster (a snapshot file) is set")]
    [InlineData("Dialects:Read", "gpushare,hamy", "Dialects:Read has \"hamy\": gpushare, hami, volcano, kai are allowed, separated by ',', or none")]
    [InlineData("Dialects:Write", "kai", "Dialects:Write has \"kai\": gpushare, hami, volcano are allowed, separated by ',', or none")]
    [InlineData("Dialects:NodeWait", "-00:00:01", "Dialects:NodeWait is -00:00:01: 00:00:00 to 00:10:00 is allowed")]
    [InlineData("Dialects:NodeWait", "00:00:30", "HttpTimeout is 00:00:30: BindTimeout, Gangs:BarrierTimeout and Dialects:NodeWait may take 00:00:50")]
    [InlineData("Decisions:History", "3", "Decisions:History is 3: 16 to 1000000 is allowed")]
    [InlineData("Decisions:Listeners", "-1", "Decisions:Listeners is -1: 0 to 1000 is allowed")]
    [InlineData("Audit:Path", "/no/such/folder/audit.jsonl", "Audit:Path is \"/no/such/folder/audit.jsonl\": a file in a folder that exists is expected")]
    [InlineData("Audit:Path", "/tmp", "Audit:Path is \"/tmp\"")]
    [InlineData("Recording:Path", "/no/such/folder/file", "Recording:Path is \"/no/such/folder/file\": a file in a folder that exists is expected")]
    [InlineData("Recording:MaxMiB", "0", "Recording:MaxMiB is 0: 1 to 65536 is allowed")]
    [InlineData("Audit:MaxFileMiB", "0", "Audit:MaxFileMiB is 0: 1 to 65536 is allowed")]
    [InlineData("Audit:Files", "0", "Audit:Files is 0: 1 to 1000 is allowed")]
    [InlineData("Forecast:Path", "/no/such/folder/demand.jsonl", "Forecast:Path is \"/no/such/folder/demand.jsonl\": a file in a folder that exists is expected")]
    [InlineData("Tls:ClientCa", "/no/such/file", "Tls:ClientCa is \"/no/such/file\": there is no such file")]
    public void A_wrong_value_is_named(string option, string value, string expected) =>
        Assert.Contains(Failures(null, (option, value)), f => f.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("Step", "00:07:00", "Forecast:Step is 00:07:00: 00:00:10 to 01:00:00 is allowed, so many of which make a day")]
    [InlineData("Step", "00:00:01", "Forecast:Step is 00:00:01")]
    [InlineData("Keep", "1.00:00:00", "Forecast:Keep is 1.00:00:00: 3.00:00:00 to 400000 times Forecast:Step is allowed")]
    [InlineData("Horizon", "30.00:00:00", "Forecast:Horizon is 30.00:00:00: 01:00:00 to 7.00:00:00 is allowed")]
    [InlineData("Leads", "1h;soon", "Forecast:Leads has \"soon\": times such as 15m, 1h or 1d are allowed")]
    [InlineData("Leads", "0m", "Forecast:Leads has \"0m\"")]
    [InlineData("Leads", "48h", "up to Forecast:Horizon, which is 1.00:00:00")]
    [InlineData("Leads", "", "Forecast:Leads is \"\": one to eight times are allowed")]
    public void A_wrong_value_of_the_forecast_is_named(string option, string value, string expected)
    {
        Assert.Contains(Failures(null, ("Forecast:Enabled", "true"), ("Forecast:" + option, value)), f => f.Contains(expected, StringComparison.Ordinal));
        Assert.Empty(Failures(null, ("Forecast:" + option, value)));
    }

    [Theory]
    [InlineData("Namespace", "", "LeaderElection:Namespace is not set")]
    [InlineData("LeaseName", "", "LeaderElection:LeaseName is empty: name the Lease")]
    [InlineData("LeaseDuration", "00:00:00.5", "LeaderElection:LeaseDuration is 00:00:00.5000000: 00:00:01 to 00:01:00 in whole seconds is allowed")]
    [InlineData("LeaseDuration", "00:00:03.5", "in whole seconds is allowed")]
    [InlineData("LeaseDuration", "00:00:02", "LeaderElection:RenewDeadline is 00:00:02: it must end at least 00:00:00.5000000 before LeaderElection:LeaseDuration (00:00:02)")]
    [InlineData("RenewDeadline", "00:00:00", "LeaderElection:RenewDeadline is 00:00:00")]
    [InlineData("RetryPeriod", "00:00:01.5", "LeaderElection:RetryPeriod is 00:00:01.5000000: 00:00:00.1000000 to half of LeaderElection:RenewDeadline (00:00:01) is allowed")]
    [InlineData("RetryPeriod", "00:00:00.01", "LeaderElection:RetryPeriod is 00:00:00.0100000")]
    [InlineData("DrainLimit", "00:01:00", "LeaderElection:DrainLimit is 00:01:00: 00:00:00 to 00:00:20 is allowed")]
    [InlineData("DrainIdle", "00:00:06", "LeaderElection:DrainIdle is 00:00:06: 00:00:00 to LeaderElection:DrainLimit (00:00:05) is allowed")]
    public void A_wrong_value_of_the_election_is_named(string option, string value, string expected)
    {
        var kubeconfig = Write("kubeconfig", "");
        Assert.Contains(
            Failures(null, ("Cluster", null), ("Kubeconfig", kubeconfig), ("LeaderElection:Enabled", "true"), ("LeaderElection:Namespace", "gpu-scheduler"), ("LeaderElection:" + option, value)),
            f => f.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void A_canary_that_serves_nobody_and_one_that_is_none_of_the_profiles_are_refused()
    {
        Assert.Equal(
            ["Canary:Profile is \"try\", but it serves nobody: set Canary:Share, Canary:Namespaces or both, or remove it"],
            Failures(null, ("Profiles:try:Policy", "fgd"), ("Canary:Profile", "try")));
        Assert.Equal(
            ["Canary:Profile is \"other\": Profiles has one, try"],
            Failures(null, ("Profiles:try:Policy", "fgd"), ("Profiles:one:Policy", "fgd"), ("Canary:Profile", "other"), ("Canary:Share", "0.1")));
    }

    [Fact]
    public void Tokens_do_not_cross_a_network_in_the_clear() =>
        Assert.Equal(
            ["Access:Tokens is true and Urls has \"http://0.0.0.0:0\": tokens would cross the network in the clear; use https:// or a loopback address"],
            Failures(null, ("Cluster", null), ("Kubeconfig", Write("kubeconfig", "")), ("Access:Tokens", "true"), ("Urls", "http://0.0.0.0:0;http://127.0.0.1:0")));

    [Fact]
    public void Weights_that_are_all_zero_are_refused() =>
        Assert.Equal(
            ["Engine:Weights are all 0: at least one must be more"],
            Failures(null, ("Engine:Weights:Topology", "0"), ("Engine:Weights:Stranding", "0"), ("Engine:Weights:Locality", "0")));

    [Fact]
    public void A_shadow_whose_settings_cannot_be_used_is_refused() =>
        Assert.Equal(
            [
                "Shadow:Profile is \"lost\": the profiles are one, two",
                "Shadow:Profile is set and DoNothing is true: nothing is decided that could be compared; remove one",
                "Shadow:Interval is 00:00:00: 00:00:00.1 to 01:00:00 is allowed",
                "Shadow:QueueLimit is 1: 16 to 10000000 is allowed",
            ],
            Failures(null, ("Profiles:two:Policy", "fgd"), ("Profiles:one:Policy", "fgd"), ("Shadow:Profile", "lost"), ("DoNothing", "true"), ("Shadow:Interval", "0"), ("Shadow:QueueLimit", "1")));

    [Fact]
    public void A_snapshot_and_a_live_cluster_at_once_are_refused() =>
        Assert.Equal(
            ["Cluster (a snapshot file) and Kubeconfig (a live cluster) are both set: remove one"],
            Failures(null, ("Kubeconfig", Repository.ExampleCluster)));

    [Fact]
    public void TLS_without_its_files_is_refused()
    {
        Assert.Equal(
            ["Tls:Certificate is not set: https:// in Urls needs it", "Tls:Key is not set: https:// in Urls needs it"],
            Failures(null, ("Urls", "https://127.0.0.1:0")));
        Assert.Equal(
            ["Tls:Certificate is \"/no/crt\": there is no such file", "Tls:Key is \"/no/key\": there is no such file"],
            Failures(null, ("Urls", "https://127.0.0.1:0"), ("Tls:Certificate", "/no/crt"), ("Tls:Key", "/no/key")));
    }

    [Fact]
    public void TLS_files_that_are_not_what_they_should_be_are_refused()
    {
        var authority = TestAuthority.Create("authority");
        using var files = new TlsFiles();
        using var other = new TlsFiles();
        using var first = authority.Issue("localhost", TestAuthority.ServerUsage);
        using var second = authority.Issue("localhost", TestAuthority.ServerUsage);
        files.WriteServer(first);
        other.WriteServer(second);
        var nonsense = Write("nonsense.pem", "nonsense");
        string[] With(string certificate, string key, string? clientCa = null) =>
            [.. Failures(null, ("Urls", "https://127.0.0.1:0"), ("Tls:Certificate", certificate), ("Tls:Key", key), ("Tls:ClientCa", clientCa))];

        Assert.Contains("are not a certificate with its private key in PEM form", Assert.Single(With(files.Certificate, other.Key)), StringComparison.Ordinal);
        Assert.StartsWith($"Tls:Certificate \"{nonsense}\" and Tls:Key", Assert.Single(With(nonsense, files.Key)), StringComparison.Ordinal);
        Assert.StartsWith("Tls:Certificate", Assert.Single(With(files.Key, files.Certificate)), StringComparison.Ordinal);
        Assert.StartsWith($"Tls:ClientCa is \"{nonsense}\": ", Assert.Single(With(files.Certificate, files.Key, nonsense)), StringComparison.Ordinal);
        Assert.StartsWith($"Tls:ClientCa is \"{files.Key}\": ", Assert.Single(With(files.Certificate, files.Key, files.Key)), StringComparison.Ordinal);
    }

    [Fact]
    public void Client_certificates_without_TLS_are_refused()
    {
        using var files = new TlsFiles();
        files.WriteClientCa(TestAuthority.Create("authority").Certificate);

        Assert.Equal(
            ["Tls:ClientCa is set but no URL in Urls is https://: client certificates need TLS"],
            Failures(null, ("Tls:ClientCa", files.ClientCa)));
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once() =>
        Assert.Equal(3, Failures(null, ("Urls", "nonsense"), ("Cluster", "/no/such/file"), ("Limits:MaxRequestBodyMiB", "0")).Count());

    [Theory]
    [InlineData("""{"Limits":{"MaxRequestBodyMiB":"a lot"} }""", "Limits:MaxRequestBodyMiB")]
    [InlineData("""{"Limits":{"MaxRequestBodyMiB":1.5} }""", "Limits:MaxRequestBodyMiB")]
    [InlineData("""{"BindTimeout":"soon"}""", "BindTimeout")]
    [InlineData("""{"BindTimeout":4}""", "BindTimeout is 4.00:00:00")]
    public void A_wrong_value_in_the_file_is_named(string json, string expected) =>
        Assert.Contains(Failures(Write("config.json", json)), f => f.Contains(expected, StringComparison.Ordinal));

    [Theory]
    [InlineData("""{"BindTimeOut":"00:00:04","Engin":{"AnswerOneNode":true} }""", "Engin is not a setting")]
    [InlineData("""{"Engine":{"Weights":{"Topologie":1} } }""", "Engine:Weights:Topologie is not a setting")]
    [InlineData("""{"Profiles":{"try":{"Weight":{"Topology":1} } } }""", "Profiles:try:Weight is not a setting")]
    [InlineData("""{"Limits":{"MaxRequestBodyMiB":{"a":1} } }""", "Limits:MaxRequestBodyMiB:a is not a setting")]
    public void A_setting_that_is_misspelled_in_the_file_is_named(string json, string expected) =>
        Assert.StartsWith(expected, Assert.Single(Failures(Write("config.json", json))), StringComparison.Ordinal);

    [Fact]
    public async Task A_null_in_the_file_is_as_if_it_were_not_there()
    {
        var file = Write("config.json", """{"Urls":null,"HealthUrls":null,"Tls":null,"Holds":null,"Limits":{"MaxRequestBodyMiB":null},"Engine":{"Weights":null},"BindTimeout":null}""");

        await using var app = ExtenderHost.Build(file, new Dictionary<string, string?> { ["Cluster"] = Repository.ExampleCluster, ["Kubeconfig"] = null });

        Assert.Equivalent(new ExtenderOptions { Cluster = Repository.ExampleCluster }, app.Services.GetRequiredService<ExtenderOptions>(), strict: true);
    }

    [Fact]
    public async Task The_file_is_over_the_defaults_and_the_command_line_over_the_file()
    {
        var file = Write("config.json", """{"BindTimeout":"00:00:07","Limits":{"MaxRequestBodyMiB":5},"Engine":{"Weights":{"Topology":2.5} },"Holds":{"TentativeHold":"00:00:20"} }""");

        await using var app = ExtenderHost.Build(file, new Dictionary<string, string?> { ["Cluster"] = Repository.ExampleCluster, ["limits:maxrequestbodymib"] = "6" });

        var options = app.Services.GetRequiredService<ExtenderOptions>();
        Assert.Equal((TimeSpan.FromSeconds(7), 6), (options.BindTimeout, options.Limits.MaxRequestBodyMiB));
        Assert.Equal((2.5, new ScoreWeights().Stranding), (options.Engine.Weights.Topology, options.Engine.Weights.Stranding));
        Assert.Equal((TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60)), (options.Holds.TentativeHold, options.Holds.PromiseHold));
    }

    [Fact]
    public void The_shipped_file_is_accepted()
    {
        // Its certificates, its kubeconfig and the name of its namespace are where the pod has them.
        var failures = Failures(
            Path.Combine(Repository.Root, "manifests", "base", "config.json"),
            ("Cluster", null), ("Kubeconfig", Write("kubeconfig", Kubeconfig)), ("LeaderElection:Namespace", "gpu-scheduler"), ("Urls", "http://127.0.0.1:0"), ("Tls:ClientCa", null), ("Tls:Certificate", null), ("Tls:Key", null));

        Assert.Empty(failures);
    }

    [Fact]
    public async Task A_wrong_setting_ends_with_exit_code_2()
    {
        var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        var port = ((IPEndPoint)busy.LocalEndpoint).Port;
        var notYaml = Write("cluster.yaml", "{[");
        foreach (var (file, settings) in new (string?, (string, string?)[])[]
        {
            (null, [("Urls", "nonsense")]),
            (null, [("Urls", $"http://127.0.0.1:{port}")]),

            // An address that no interface here has (RFC 5737).
            (null, [("Urls", "http://203.0.113.7:18888")]),
            (null, [("Cluster", notYaml)]),
            ("/no/such/file", []),
            (_folder, []),
            (Write("broken.json", "{\"Urls\": "), []),
            (Write("list.json", "[]"), []),
        })
        {
            var all = new Dictionary<string, string?> { ["Urls"] = "http://127.0.0.1:0", ["Cluster"] = Repository.ExampleCluster, ["Logging:LogLevel:Default"] = "None", ["Logging:LogLevel:Microsoft"] = "None" };
            foreach (var (key, value) in settings)
            {
                all[key] = value;
            }

            // Nothing of this may start; if it does, it is told to stop.
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            Assert.Equal(2, await ExtenderHost.RunAsync(file, all, limit.Token));
        }

        busy.Stop();
    }

    [Fact]
    public async Task The_program_explains_its_options_and_says_what_is_wrong_with_them()
    {
        var (code, output, _) = await RunAsync("--help");
        Assert.Equal(0, code);
        Assert.All(
            ["--urls", "--health-urls", "--cluster", "--kubeconfig", "--config", "--tls-cert", "--tls-key", "--tls-client-ca", "--answer-one-node", "--do-nothing"],
            option => Assert.Contains(option, output, StringComparison.Ordinal));

        var broken = Write("broken.json", "{\n  \"Urls\": ,\n}");
        (code, _, var error) = await RunAsync("--config", broken);
        Assert.Equal(2, code);
        Assert.Contains(broken, error, StringComparison.Ordinal);
        Assert.Contains("line 2", error, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("--help lists the options", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);

        (code, _, error) = await RunAsync("--cluster", "/no/such/file", "--urls", "https://127.0.0.1:0");
        Assert.Equal(2, code);
        Assert.Contains("gpu-scheduler-extender: Cluster is \"/no/such/file\": there is no such file", error, StringComparison.Ordinal);
        Assert.Contains("gpu-scheduler-extender: Tls:Certificate is not set", error, StringComparison.Ordinal);

        (code, output, error) = await RunAsync("--check-config", Write("good.json", """{"Engine":{"AnswerOneNode":true} }"""), "--cluster", Repository.ExampleCluster);
        Assert.Equal((0, ""), (code, error));
        Assert.EndsWith("good.json: ok", output.TrimEnd(), StringComparison.Ordinal);
        (code, output, error) = await RunAsync("--check-config", Write("bad.json", """{"Engin":{},"BindTimeout":"00:00:09"}"""));
        Assert.Equal((2, ""), (code, output));
        Assert.Contains("bad.json: Engin is not a setting", error, StringComparison.Ordinal);

        (code, _, error) = await RunAsync("--no-such-option");
        Assert.NotEqual(0, code);
        Assert.Contains("--no-such-option", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "gpu-scheduler-extender.dll"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>What is wrong with these settings, on top of the example cluster.</summary>
    private static IEnumerable<string> Failures(string? file, params (string Key, string? Value)[] settings)
    {
        var all = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase) { ["Urls"] = "http://127.0.0.1:0", ["Cluster"] = Repository.ExampleCluster };
        foreach (var (key, value) in settings)
        {
            all[key] = value;
        }

        try
        {
            ((IDisposable)ExtenderHost.Build(file, all)).Dispose();
            return [];
        }
        catch (OptionsValidationException e)
        {
            return e.Failures;
        }
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
