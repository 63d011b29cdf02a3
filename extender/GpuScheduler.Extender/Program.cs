using System.CommandLine;
using GpuScheduler.Extender;

var urls = new Option<string>("--urls") { Description = "Where to serve HTTP and gRPC, separated by ';': http://IP:PORT or https://IP:PORT (port 0: any free one). Default http://127.0.0.1:18888." };
var healthUrls = new Option<string>("--health-urls") { Description = "Where to serve health and metrics alone, without TLS." };
var cluster = new Option<string>("--cluster") { Description = "Serve from a snapshot file instead of a cluster: the output of 'kubectl get nodes,pods -A -o yaml' (or json)." };
var kubeconfig = new Option<string>("--kubeconfig") { Description = "The kubeconfig file. Default: the service account in a pod, else KUBECONFIG, else ~/.kube/config." };
var config = new Option<string>("--config") { Description = "A JSON file with settings; see the README for all of them." };
var tlsCert = new Option<string>("--tls-cert") { Description = "Server certificate with its chain (PEM), for https://." };
var tlsKey = new Option<string>("--tls-key") { Description = "Private key of the server certificate (PEM)." };
var clientCa = new Option<string>("--tls-client-ca") { Description = "Authorities (PEM) of client certificates; when set, the verbs and gRPC want one." };
var oneNode = new Option<bool>("--answer-one-node") { Description = "Filter answers with the one best node for every GPU pod; kube-scheduler then skips prioritize." };
var doNothing = new Option<bool>("--do-nothing") { Description = "Pass every node and bind without devices: a yardstick for measurements, not for use." };

var root = new RootCommand("gpu-scheduler's extender: decides for kube-scheduler which node and which GPUs, MIG devices or shares of a GPU a pod gets.")
{
    urls, healthUrls, cluster, kubeconfig, config, tlsCert, tlsKey, clientCa, oneNode, doNothing,
};
root.SetAction(async (parsed, cancellation) =>
{
    var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
    void Set(string key, string? value)
    {
        if (value is not null)
        {
            settings[key] = value;
        }
    }

    Set("Urls", parsed.GetValue(urls));
    Set("HealthUrls", parsed.GetValue(healthUrls));
    Set("Cluster", parsed.GetValue(cluster));
    Set("Kubeconfig", parsed.GetValue(kubeconfig));
    Set("Tls:Certificate", parsed.GetValue(tlsCert));
    Set("Tls:Key", parsed.GetValue(tlsKey));
    Set("Tls:ClientCa", parsed.GetValue(clientCa));
    Set("Engine:AnswerOneNode", parsed.GetValue(oneNode) ? "true" : null);
    Set("DoNothing", parsed.GetValue(doNothing) ? "true" : null);
    return await ExtenderHost.RunAsync(parsed.GetValue(config), settings, cancellation);
});
return await root.Parse(args).InvokeAsync();
