using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace GpuScheduler.Extender.Tests.Verbs;

/// <summary>
/// What each verb says to a body that it cannot take: filter and bind a 200 with Error, since kube-scheduler reads the body of no
/// other answer; prioritize and preempt, which have no such field, a 400 with {"Error"}.
/// </summary>
public sealed class MalformedBodiesTests(ExampleService example)
{
    /// <summary>Answered as if nothing were wrong.</summary>
    private const string Fine = "(fine)";

    private const string Pod = """{"metadata":{"name":"p","namespace":"team","uid":"malformed"},"spec":{"containers":[{"resources":{"requests":{"nvidia.com/gpu":"1"}}}]}}""";

    private static readonly Case[] s_cases =
    [
        // What no verb takes.
        new("empty", "", "the body is empty"),
        new("blanks", " \r\n\t ", "the body is"),
        new("text", "hello", "the body is not as expected"),
        new("byte order mark", "\uFEFF{}", "the body is not as expected"),
        new("null", "null", "an object with"),
        new("number", "17", "an object with"),
        new("string", "\"Pod\"", "an object with"),
        new("list", $"[{Pod}]", "an object with"),
        new("two commas", $$"""{"Pod":{{Pod}},,"NodeNames":[]}""", "the body is not as expected"),
        new("comment", $$"""{/* a pod */"Pod":{{Pod}},"NodeNames":[]}""", "the body is not as expected"),
        new("property without a value", """{"Pod"}""", "the body is not as expected"),
        new("deep lists", $$"""{"Other":{{new string('[', 100_000)}}""", "the body is not as expected"),
        new("deep objects", $$"""{"Other":{{string.Concat(Enumerable.Repeat("{\"a\":", 100_000))}}""", "the body is not as expected"),
        new("not UTF-8", [(byte)'{', (byte)'"', 0xC3, 0x28, (byte)'"', 0xFF, (byte)':', (byte)'1', (byte)'}'], "the body is not as expected"),

        // The pod.
        new("no pod", """{"NodeNames":["h100-01"],"NodeNameToMetaVictims":{}}""", "Pod is missing", bind: null),
        new("empty object", "{}", "Pod is missing", bind: "PodName must be"),
        new("pod is null", """{"Pod":null,"NodeNames":["h100-01"],"NodeNameToMetaVictims":{}}""", "Pod is missing", bind: null),
        new("pod is a string", """{"Pod":"p","NodeNames":["h100-01"],"NodeNameToMetaVictims":{}}""", "od must be an object", bind: null),
        new("pod without a UID", """{"Pod":{"metadata":{"name":"p"}},"NodeNames":[],"NodeNameToMetaVictims":{}}""", "metadata.uid is missing", bind: null),
        new("pod without a name", """{"Pod":{"metadata":{"uid":"u"}},"NodeNames":[],"NodeNameToMetaVictims":{}}""", "metadata.name is missing", bind: null),
        new("pod whose UID is a number", """{"Pod":{"metadata":{"name":"p","uid":5}},"NodeNames":[],"NodeNameToMetaVictims":{}}""", "metadata.uid must be a string", bind: null),
        new("pod whose containers are an object", """{"Pod":{"metadata":{"name":"p","uid":"u"},"spec":{"containers":{}}},"NodeNames":[],"NodeNameToMetaVictims":{}}""", "spec.containers must be an array", bind: null),
        new("pod whose UID is half a character", """{"Pod":{"metadata":{"name":"p","uid":"\ud800"}},"NodeNames":[],"NodeNameToMetaVictims":{}}""", "not valid Unicode", bind: null),
        new("pod whose UID is not UTF-8", Latin("""{"Pod":{"metadata":{"name":"p","uid":"é"}},"NodeNames":[],"NodeNameToMetaVictims":{}}"""), "not valid Unicode", bind: null),

        // Its request: no fault of the caller's, and only filter has a place to tell.
        new("request that cannot be understood", """{"Pod":{"metadata":{"name":"p","uid":"u","annotations":{"gpuscheduler.io/nvlink":"yes"}},"spec":{"containers":[{"resources":{"requests":{"nvidia.com/gpu":"1"}}}]}},"NodeNames":["h100-01"],"NodeNameToMetaVictims":{"h100-01":{"Pods":[]}}}""", Fine, filter: "required, preferred or none is allowed", bind: null),
        new("quantity that cannot be understood", """{"Pod":{"metadata":{"name":"p","uid":"u"},"spec":{"containers":[{"resources":{"requests":{"nvidia.com/gpu":"one"}}}]}},"NodeNames":["h100-01"],"NodeNameToMetaVictims":{}}""", Fine, filter: "\"one\"", bind: null),
        new("annotation cut within a character", $$$"""{"Pod":{"metadata":{"name":"p","uid":"u","annotations":{"gpuscheduler.io/nvlink":"{{{new string('x', 79)}}}😀"} } },"NodeNames":["h100-01"],"NodeNameToMetaVictims":{}}""", Fine, filter: "required, preferred or none is allowed", bind: null),

        // The nodes, for filter and prioritize.
        new("no nodes", $$"""{"Pod":{{Pod}}}""", "neither NodeNames nor Nodes is given", preempt: "neither NodeNameToMetaVictims nor NodeNameToVictims is given", bind: null),
        new("both null", $$"""{"Pod":{{Pod}},"Nodes":null,"NodeNames":null}""", "neither NodeNames nor Nodes is given", preempt: null, bind: null),
        new("names are an object", $$"""{"Pod":{{Pod}},"NodeNames":{} }""", "NodeNames must be a list of names", preempt: null, bind: null),
        new("names are a string", $$"""{"Pod":{{Pod}},"NodeNames":"h100-01"}""", "NodeNames must be a list of names", preempt: null, bind: null),
        new("a name is a number", $$"""{"Pod":{{Pod}},"NodeNames":["h100-01",2]}""", "NodeNames must be a list of names, and holds a number", preempt: null, bind: null),
        new("a name is null", $$"""{"Pod":{{Pod}},"NodeNames":[null]}""", "NodeNames must be a list of names, and holds null", preempt: null, bind: null),
        new("a name is a list", $$"""{"Pod":{{Pod}},"NodeNames":[["h100-01"]]}""", "NodeNames must be a list of names, and holds a list", preempt: null, bind: null),
        // As Go does, bytes that are no text are taken for U+FFFD: a name that is not known.
        new("a name is not UTF-8", Latin($$"""{"Pod":{{Pod}},"NodeNames":["h100-01","é"]}"""), Fine, preempt: null, bind: null),
        new("a name is half a character", $$"""{"Pod":{{Pod}},"NodeNames":["h100-01","\udc00"]}""", "the body is not as expected", preempt: null, bind: null),
        new("a property is half a character", $$"""{"Pod":{{Pod}},"\ud800":1,"NodeNames":["h100-01"]}""", "the body is not as expected", preempt: null, bind: null),
        new("nodes are a list", $$"""{"Pod":{{Pod}},"Nodes":[]}""", "Nodes must be a NodeList", preempt: null, bind: null),
        new("items are an object", $$"""{"Pod":{{Pod}},"Nodes":{"items":{} } }""", "Nodes.items must be a list of Nodes", preempt: null, bind: null),
        new("an item is a name", $$"""{"Pod":{{Pod}},"Nodes":{"items":["h100-01"]} }""", "Nodes.items must be a list of Nodes, and holds a string", preempt: null, bind: null),
        new("an item is null", $$"""{"Pod":{{Pod}},"Nodes":{"items":[null]} }""", "Nodes.items must be a list of Nodes, and holds null", preempt: null, bind: null),
        new("an item has no name", $$"""{"Pod":{{Pod}},"Nodes":{"items":[{"metadata":{"labels":{"name":"h100-01"} } }]} }""", "has no metadata.name", preempt: null, bind: null),
        new("an item has a number for a name", $$"""{"Pod":{{Pod}},"Nodes":{"items":[{"metadata":{"name":1} }]} }""", "has no metadata.name", preempt: null, bind: null),
        new("an item has a name of half a character", $$"""{"Pod":{{Pod}},"Nodes":{"items":[{"metadata":{"name":"a\ud800"} }]} }""", "the body is not as expected", preempt: null, bind: null),
        new("an item has a property of half a character", $$"""{"Pod":{{Pod}},"Nodes":{"items":[{"\ud800":1,"metadata":{"name":"a"} }]} }""", Fine, preempt: null, bind: null),

        // Empty lists are answered with empty lists.
        new("no names", $$"""{"Pod":{{Pod}},"NodeNames":[]}""", Fine, preempt: null, bind: null),
        new("no items", $$"""{"Pod":{{Pod}},"Nodes":{"items":[]} }""", Fine, preempt: null, bind: null),
        new("items are null", $$"""{"Pod":{{Pod}},"Nodes":{"metadata":{},"items":null} }""", Fine, preempt: null, bind: null),
        new("a list without items", $$"""{"Pod":{{Pod}},"Nodes":{} }""", Fine, preempt: null, bind: null),

        // What is taken although nobody writes it.
        new("an empty name", $$"""{"Pod":{{Pod}},"NodeNames":[""]}""", Fine, preempt: null, bind: null),
        new("unknown names twice", $$"""{"Pod":{{Pod}},"NodeNames":["nobody","nobody"]}""", Fine, preempt: null, bind: null),
        new("everything twice", $$"""{"Pod":"x","Pod":null,"Pod":{{Pod}},"NodeNames":["a"],"NodeNames":["h100-01"]}""", "Pod must be an object", preempt: null, bind: null),
        new("names twice", $$"""{"Pod":{{Pod}},"NodeNames":["a"],"Nodes":{"items":[]},"NodeNames":["h100-01"]}""", Fine, preempt: null, bind: null),
        new("something behind it", $$"""{"Pod":{{Pod}},"NodeNames":["h100-01"],"NodeNameToMetaVictims":{} }]] and more""", Fine, bind: null),

        // Victims.
        new("no victims", $$"""{"Pod":{{Pod}},"NodeNames":[],"NodeNameToMetaVictims":{} }""", Fine, bind: null),
        new("victims are null", $$"""{"Pod":{{Pod}},"NodeNameToVictims":null,"NodeNameToMetaVictims":null}""", null, preempt: "neither NodeNameToMetaVictims nor NodeNameToVictims is given"),
        new("victims are a list", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":[]}""", null, preempt: "NodeNameToMetaVictims must be an object by node name"),
        new("victims of a node are a number", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":1} }""", null, preempt: "the victims of node h100-01 must be an object with Pods"),
        new("victims of a node are null", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":null} }""", null, preempt: "the victims of node h100-01 must be an object with Pods"),
        new("a victim is a number", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"NumPDBViolations":0,"Pods":[1]} } }""", null, preempt: "a victim on node h100-01"),
        new("a victim is null", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[null],"NumPDBViolations":0} } }""", null, preempt: "a victim on node h100-01"),
        new("a victim is a list", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[["u"]]} } }""", null, preempt: "a victim on node h100-01"),
        new("victims are a string", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":"u"} } }""", null, preempt: "Pods of node h100-01 must be a list"),
        new("a victim has no UID", $$"""{"Pod":{{Pod}},"NodeNameToVictims":{"h100-01":{"Pods":[{"metadata":{"name":"v"} }]} } }""", null, preempt: "a victim on node h100-01 has no UID"),
        new("a victim's UID is a number", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[{"UID":7}]} } }""", null, preempt: "a victim on node h100-01 has no UID"),
        new("a victim's UID is half a character", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[{"UID":"\ud800"}]} } }""", null, preempt: "the body is not as expected"),
        new("a victim's UID is not UTF-8", Latin($$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[{"UID":"é"}]} } }"""), null, preempt: "the body is not as expected"),
        new("violations are a fraction", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[],"NumPDBViolations":0.5} } }""", null, preempt: "the body is not as expected"),
        new("violations are beyond all bounds", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":[],"NumPDBViolations":1e400} } }""", null, preempt: "the body is not as expected"),
        new("victims on a node that is not known", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"nobody":{"Pods":[{"UID":"v"}],"NumPDBViolations":1} } }""", null, preempt: Fine),
        new("victims are null for one node", $$"""{"Pod":{{Pod}},"NodeNameToMetaVictims":{"h100-01":{"Pods":null} } }""", null, preempt: Fine),

        // Bindings.
        new("bind without a node", """{"PodName":"p","PodNamespace":"team","PodUID":"u"}""", null, bind: "Node must be a string that is not empty"),
        new("bind to an empty name", """{"PodName":"p","PodNamespace":"team","PodUID":"u","Node":""}""", null, bind: "Node must be a string that is not empty"),
        new("bind with a number", """{"PodName":"p","PodNamespace":"team","PodUID":7,"Node":"h100-01"}""", null, bind: "PodUID must be a string that is not empty"),
        new("bind with null", """{"PodName":"p","PodNamespace":null,"PodUID":"u","Node":"h100-01"}""", null, bind: "PodNamespace must be a string that is not empty"),
        new("bind with an object", """{"PodName":{"PodName":"p"},"PodNamespace":"team","PodUID":"u","Node":"h100-01"}""", null, bind: "PodName must be a string that is not empty"),
        new("bind of half a character", """{"PodName":"\ud800","PodNamespace":"team","PodUID":"u","Node":"h100-01"}""", null, bind: "the body is not as expected"),
        new("bind not in UTF-8", Latin("""{"PodName":"é","PodNamespace":"team","PodUID":"u","Node":"h100-01"}"""), null, bind: "the body is not as expected"),
        new("bind of a pod that is not known", """{"podname":"p","PODNAMESPACE":"team","PodUid":"no such","node":"h100-01","More":[{}]}""", null, bind: "pod team/p with UID no such is not known"),
    ];

    public static TheoryData<string> Names { get; } = [.. s_cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_body_that_cannot_be_taken_is_answered_with_what_is_wrong(string name)
    {
        var malformed = s_cases.Single(c => c.Name == name);
        foreach (var (verb, expected) in malformed.Expected)
        {
            if (expected is null)
            {
                continue;
            }

            var answer = await example.Service.PostAsync(verb, malformed.Body);

            Assert.Equal(expected == Fine || verb is "filter" or "bind" ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.Status);
            AnswerShape.Any(verb, answer);
            if (expected == Fine)
            {
                Assert.Equal("", answer.Error ?? "");
            }
            else
            {
                Assert.Contains(expected, answer.Error, StringComparison.Ordinal);
            }

            await AssertServesAsync(verb);
        }
    }

    [Theory]
    [InlineData("filter")]
    [InlineData("prioritize")]
    [InlineData("preempt")]
    [InlineData("bind")]
    public async Task A_body_cut_off_anywhere_is_refused(string verb)
    {
        var body = Encoding.UTF8.GetBytes(verb switch
        {
            "filter" => $$"""{"Pod":{{Pod}},"Nodes":{"metadata":{},"items":[{"spec":{},"metadata":{"name":"h100\u002d01"} },{"metadata":{"name":"é"} }]},"NodeNames":null}""",
            "prioritize" => $$"""{"Pod":{{Pod}},"Nodes":null,"NodeNames":["h100-01","cpu-01","\ud83d\ude00"],"More":[1,{"a":-1e5}]}""",
            "preempt" => $$"""{"Pod":{{Pod}},"NodeNameToVictims":null,"NodeNameToMetaVictims":{"h100-01":{"Pods":[{"UID":"v"}],"NumPDBViolations":12} } }""",
            _ => """{"PodName":"p","PodNamespace":"team","PodUID":"no such","Node":"h100-01","More":[true,null]}""",
        });
        for (var length = 0; length < body.Length; length++)
        {
            var answer = await example.Service.PostAsync(verb, body[..length], chunked: length % 2 == 0);

            Assert.Equal(verb is "filter" or "bind" ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.Status);
            AnswerShape.Any(verb, answer);
            Assert.StartsWith("the body ", answer.Error, StringComparison.Ordinal);
        }

        AnswerShape.Any(verb, await example.Service.PostAsync(verb, body));
        await AssertServesAsync(verb);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_with_the_name_of_the_limit()
    {
        await using var service = await RunningService.StartAsync(("Limits:MaxRequestBodyMiB", "1"));
        var padded = Encoding.UTF8.GetBytes($$"""{"Other":"{{new string('x', 1024 * 1024)}}","Pod":{{Pod}},"NodeNames":[],"NodeNameToMetaVictims":{} }""");
        var largest = Encoding.UTF8.GetBytes($$"""{"Other":"{{new string('x', (1024 * 1024) - 16_384)}}","Pod":{{Pod}},"NodeNames":[],"NodeNameToMetaVictims":{} }""");
        foreach (var verb in new[] { "filter", "prioritize", "preempt", "bind" })
        {
            foreach (var chunked in new[] { false, true })
            {
                var answer = await service.PostAsync(verb, padded, chunked);

                Assert.Equal(verb is "filter" or "bind" ? HttpStatusCode.OK : HttpStatusCode.BadRequest, answer.Status);
                AnswerShape.Any(verb, answer);
                Assert.Contains("Limits:MaxRequestBodyMiB", answer.Error, StringComparison.Ordinal);
                Assert.DoesNotContain("Limits:MaxRequestBodyMiB", (await service.PostAsync(verb, largest, chunked)).ToString(), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("filter")]
    [InlineData("prioritize")]
    [InlineData("preempt")]
    [InlineData("bind")]
    public async Task A_caller_that_leaves_in_the_middle_of_a_body_does_no_harm(string verb)
    {
        for (var i = 0; i < 5; i++)
        {
            using var caller = new TcpClient();
            await caller.ConnectAsync(IPAddress.Loopback, example.Service.Addresses[0].Port, TestContext.Current.CancellationToken);
            await caller.GetStream().WriteAsync(
                Encoding.ASCII.GetBytes($"POST /{verb} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{{\"Pod\":{{\"metadata\""),
                TestContext.Current.CancellationToken);
            if (i % 2 == 0)
            {
                caller.Client.LingerState = new LingerOption(true, 0);
            }
        }

        await AssertServesAsync(verb);
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);

    private async Task AssertServesAsync(string verb)
    {
        var (body, expected) = verb switch
        {
            "filter" => (Requests.Args(Requests.Pod("malformed-next", 0), "cpu-01"), """{"Nodes":null,"NodeNames":["cpu-01"],"FailedNodes":{},"FailedAndUnresolvableNodes":{},"Error":""}"""),
            "prioritize" => (Requests.Args(Requests.Pod("malformed-next", 0), "cpu-01"), """[{"Host":"cpu-01","Score":10}]"""),
            "preempt" => (Requests.Preemption(Requests.Pod("malformed-next", 0), new Dictionary<string, string[]> { ["cpu-01"] = ["v"] }), """{"NodeNameToMetaVictims":{"cpu-01":{"Pods":[{"UID":"v"}],"NumPDBViolations":0}}}"""),
            _ => (Requests.Binding("nobody", "cpu-01"), """{"Error":"pod team/pod-nobody with UID nobody is not known: it was deleted or created anew"}"""),
        };
        Assert.Equal("200 " + expected, (await example.Service.PostAsync(verb, body)).ToString());
    }

    /// <summary>A body and a part of what each verb says to it; null where the verb is not asked.</summary>
    private sealed class Case(string name, byte[] body, string? all, string? filter = Case.SameAsAll, string? preempt = Case.SameAsAll, string? bind = Case.SameAsAll)
    {
        public Case(string name, string body, string? all, string? filter = Case.SameAsAll, string? preempt = Case.SameAsAll, string? bind = Case.SameAsAll)
            : this(name, Encoding.UTF8.GetBytes(body), all, filter, preempt, bind)
        {
        }

        private const string SameAsAll = "(as all)";

        public string Name { get; } = name;

        public byte[] Body { get; } = body;

        public (string Verb, string? Expected)[] Expected { get; } =
        [
            ("filter", filter == SameAsAll ? all : filter),
            ("prioritize", all),
            ("preempt", preempt == SameAsAll ? all : preempt),
            ("bind", bind == SameAsAll ? all : bind),
        ];
    }
}
