using System.CommandLine;
using GpuScheduler.NodeAgent;
using GpuScheduler.NodeAgent.Hosting;
using GpuScheduler.NodeAgent.Nvml;

var once = new Option<bool>("--once") { Description = "Print one report and end, without any access to Kubernetes." };
var output = new Option<string>("--output") { Description = "Form of the printed report: json.", DefaultValueFactory = _ => "json" };
output.AcceptOnlyFromAmong("json");
var library = new Option<string>("--nvml-library") { Description = "The driver's library, a path or a name that the loader finds.", DefaultValueFactory = _ => NvmlLibrary.DefaultName };
var nodeName = new Option<string?>("--node-name") { Description = "Name of this node. Default: NODE_NAME, and for --once else the host's name." };
var socket = new Option<string>("--pod-resources-socket") { Description = "The kubelet's pod-resources socket.", DefaultValueFactory = _ => "/var/lib/kubelet/pod-resources/kubelet.sock" };
var interval = new Option<double>("--interval") { Description = "Seconds between two looks at the driver and the kubelet, 1 to 3600. XIDs do not wait for it.", DefaultValueFactory = _ => 10 };
interval.Validators.Add(result =>
{
    if (result.Tokens.Count > 0 && result.GetValueOrDefault<double>() is not (>= 1 and <= 3600))
    {
        result.AddError("--interval: 1 to 3600 seconds are allowed");
    }
});
var kubeconfig = new Option<string?>("--kubeconfig") { Description = "The kubeconfig file. Default: the service account in a pod, else KUBECONFIG, else ~/.kube/config." };
var sysfs = new Option<string>("--sysfs") { Description = "Where sysfs is mounted.", DefaultValueFactory = _ => "/sys" };
var dataFolders = new Option<string[]>("--data-dir") { Description = "A folder with the data sets and models that this node caches, each an entry of it; may be given several times." };

var root = new RootCommand("gpu-scheduler's node agent: says which GPUs a node has, how they are wired, whether they are fit, and who holds them.")
{
    once, output, library, nodeName, socket, interval, kubeconfig, sysfs, dataFolders,
};
root.SetAction(async (parsed, cancellation) =>
{
    var name = parsed.GetValue(nodeName) ?? Environment.GetEnvironmentVariable("NODE_NAME");
    if (string.IsNullOrWhiteSpace(name) && !parsed.GetValue(once))
    {
        await Console.Error.WriteLineAsync("gpu-scheduler-node-agent: the node's name is not known: give --node-name, or set NODE_NAME from spec.nodeName (the manifests do)");
        return 2;
    }

    var options = new NodeAgentOptions
    {
        NodeName = string.IsNullOrWhiteSpace(name) ? Environment.MachineName : name.Trim(),
        NvmlLibrary = parsed.GetValue(library)!,
        PodResourcesSocket = parsed.GetValue(socket)!,
        Interval = TimeSpan.FromSeconds(parsed.GetValue(interval)),
        Kubeconfig = parsed.GetValue(kubeconfig),
        Sysfs = parsed.GetValue(sysfs)!,
        DataFolders = parsed.GetValue(dataFolders) ?? [],
    };
    return parsed.GetValue(once)
        ? await AgentHost.OnceAsync(options, Console.Out, Console.Error, cancellation)
        : await AgentHost.RunAsync(options, cancellation);
});
return await root.Parse(args).InvokeAsync();
