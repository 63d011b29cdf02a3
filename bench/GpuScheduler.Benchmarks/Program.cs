using System.CommandLine;
using BenchmarkDotNet.Running;
using GpuScheduler.Benchmarks;
using GpuScheduler.Benchmarks.Gangs;
using GpuScheduler.Benchmarks.Memory;
using GpuScheduler.Benchmarks.Mig;
using GpuScheduler.Benchmarks.Planning;
using GpuScheduler.Benchmarks.Policies;

var json = new Option<FileInfo?>("--json") { Description = "Also write the rows to this file." };
var nodes = new Option<int[]>("--nodes") { Description = "Cluster sizes.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [100, 1000, 5000] };
var seconds = new Option<double>("--seconds") { Description = "Time to measure each row for.", DefaultValueFactory = _ => 4 };
var baseline = new Option<bool>("--baseline") { Description = "Also measure an extender that reads every object in full (KubernetesClient's models), for the ratio." };
var only = new Option<string>("--only") { Description = "Only the cases whose name contains this, for example names/http.", DefaultValueFactory = _ => "" };
var extender = new Command("extender", "Filter and prioritize, in process and over HTTP on one connection: time, allocated bytes and CPU per request.") { json, nodes, seconds, baseline, only };
extender.SetAction((parsed, cancellation) => ExtenderBenchmark.RunAsync(parsed.GetValue(nodes)!, TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(baseline), parsed.GetValue(only)!, parsed.GetValue(json), cancellation));

var update = new Option<bool>("--update") { Description = "Write the measured bytes as the new budget." };
var budget = new Command("budget", "Compares allocated bytes per operation with the committed budget; exit code 1 when one is exceeded.") { update };
budget.SetAction((parsed, cancellation) => AllocationBudget.RunAsync(parsed.GetValue(update), cancellation));

var pods = new Option<int>("--pods") { Description = "Pods to schedule in each run.", DefaultValueFactory = _ => 500 };
var throughputNodes = new Option<int>("--nodes") { Description = "Nodes.", DefaultValueFactory = _ => 1000 };
var rounds = new Option<int>("--rounds") { Description = "Runs of each mode, taken in turns.", DefaultValueFactory = _ => 3 };
var gangSizes = new Option<int[]>("--gang") { Description = "Compare gangs of these sizes with the same pods one by one instead.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [] };
var throughput = new Command("throughput", "Pods per second of a real kube-scheduler with the extender, with the extender doing nothing, and with one-node answers; or of gangs.") { pods, throughputNodes, rounds, gangSizes };
throughput.SetAction((parsed, cancellation) => ThroughputBenchmark.RunAsync(parsed.GetValue(throughputNodes), parsed.GetValue(pods), parsed.GetValue(rounds), parsed.GetValue(gangSizes)!, cancellation));

var policyNodes = new Option<int[]>("--nodes") { Description = "Cluster sizes.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [1213, 5000, 20000] };
var policyNames = new Option<string[]>("--policies") { Description = "Placement policies by name.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => ["fgd", "default"] };
var decisions = new Option<int>("--decisions") { Description = "Decisions to measure in each case.", DefaultValueFactory = _ => 5000 };
var policies = new Command("policies", "How the time of one decision grows with the cluster, by placement policy.") { json, policyNodes, policyNames, decisions };
policies.SetAction((parsed, cancellation) => PolicyBenchmark.RunAsync(parsed.GetValue(policyNodes)!, parsed.GetValue(policyNames)!, parsed.GetValue(decisions), parsed.GetValue(json), cancellation));

var micro = new Command("micro", "BenchmarkDotNet on the engine's parts; further arguments go to it (for example --filter *).") { TreatUnmatchedTokensAsErrors = false };
micro.SetAction(parsed =>
{
    BenchmarkSwitcher.FromAssembly(typeof(AllocationBudget).Assembly).Run([.. parsed.UnmatchedTokens]);
});

var baselineUrl = new Option<string>("--urls") { Description = "Address.", DefaultValueFactory = _ => "http://127.0.0.1:0" };
var serveBaseline = new Command("serve-baseline", "Serves the full-object extender that 'extender --baseline' measures.") { baselineUrl };
serveBaseline.SetAction((parsed, cancellation) => FullObjectExtender.RunAsync(parsed.GetValue(baselineUrl)!, cancellation));

var gangSeeds = new Option<int>("--seeds") { Description = "Clusters of each size and utilisation; fewer of the largest.", DefaultValueFactory = _ => 25 };
var patience = new Option<double>("--patience") { Description = "Factor on the time limits of batches, for a machine that is busy with other things.", DefaultValueFactory = _ => 1 };
var gangs = new Command("gangs", "Gang placement against best fit: single gangs, batches, roles and preemption.") { json, gangSeeds, patience, only };
gangs.SetAction((parsed, cancellation) => GangBenchmark.RunAsync(parsed.GetValue(gangSeeds), parsed.GetValue(patience), parsed.GetValue(only)!, parsed.GetValue(json), cancellation));

var migSeeds = new Option<int>("--seeds") { Description = "Streams, and fleets of each size.", DefaultValueFactory = _ => 5 };
var mig = new Command("mig", "MIG placement: what a stream of requests gets by each choice of the GPU, and the exact repack.") { json, migSeeds, patience, only };
mig.SetAction((parsed, cancellation) => MigBenchmark.RunAsync(parsed.GetValue(migSeeds), parsed.GetValue(patience), parsed.GetValue(only)!, parsed.GetValue(json), cancellation));

var memoryNodes = new Option<int>("--nodes") { Description = "Nodes.", DefaultValueFactory = _ => 5000 };
var memoryPods = new Option<int>("--pods") { Description = "Pods, all bound.", DefaultValueFactory = _ => 50_000 };
var events = new Option<long>("--events") { Description = "Watch events of pods that come and go; 0 for none.", DefaultValueFactory = _ => MemoryBenchmark.DefaultEvents };
var memory = new Command("memory", "Memory of the service's process in a large cluster, and whether it grows; exit code 1 when it does.") { json, memoryNodes, memoryPods, events };
memory.SetAction((parsed, cancellation) => MemoryBenchmark.RunAsync(parsed.GetValue(memoryNodes), parsed.GetValue(memoryPods), parsed.GetValue(events), parsed.GetValue(json), cancellation));

var shortfallNodes = new Option<int[]>("--nodes") { Description = "Cluster sizes.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [500, 2000, 5000] };
var jobs = new Option<int>("--jobs") { Description = "Jobs that wait, a third of them gangs.", DefaultValueFactory = _ => 300 };
var limit = new Option<double>("--limit") { Description = "Time for each search, in seconds; the service allows 5.", DefaultValueFactory = _ => 5 };
var shortfall = new Command("shortfall", "How far the search for the missing nodes (capacity-shortfall) comes in its time.") { json, shortfallNodes, jobs, limit };
shortfall.SetAction((parsed, cancellation) => ShortfallBenchmark.RunAsync(parsed.GetValue(shortfallNodes)!, parsed.GetValue(jobs), parsed.GetValue(limit), parsed.GetValue(json), cancellation));

var root = new RootCommand("Benchmarks of gpu-scheduler.") { extender, budget, throughput, policies, gangs, mig, memory, shortfall, micro, serveBaseline };
return await root.Parse(args).InvokeAsync();
