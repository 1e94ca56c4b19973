using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Souk.OpenAi.Streaming;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Http;
using Souk.Wire.Paid;

// How many CPU microseconds one streamed token costs on the wire; the goal is at most 25 on either side. CPU time is
// known per process, so "provider" streams tokens at the pace of a model, "gateway" reads the streams and relays them,
// and the clients are a third process. usage: Souk.Wire.Bench [streams] [seconds] [plain]
const int TokensPerSecond = 50;

return args switch
{
    ["provider", var seconds, var link] => await ProviderAsync(Int(seconds), link == "plain"),
    ["gateway", var target, var pin] => await GatewayAsync(target, pin),
    ["clients", var target, var streams] => await ClientsAsync(target, Int(streams)),
    _ => await MeasureAsync(
        args.Length > 0 ? Int(args[0]) : 100, args.Length > 1 ? Int(args[1]) : 10, args.Contains("plain")),
};

static int Int(string text) => int.Parse(text, CultureInfo.InvariantCulture);

static async Task<int> MeasureAsync(int streams, int seconds, bool isPlain)
{
    using var provider = Start("provider", $"{seconds}", isPlain ? "plain" : "tls");
    var at = (await provider.StandardOutput.ReadLineAsync())!.Split(' ');
    using var gateway = Start("gateway", at[0], at[1]);
    var front = (await gateway.StandardOutput.ReadLineAsync())!;
    // The first round pays for compilation, which is no cost of a token.
    await RunClientsAsync(front, streams);
    var before = (Provider: await CpuAsync(provider), Gateway: await CpuAsync(gateway));
    var tokens = await RunClientsAsync(front, streams);
    var after = (Provider: await CpuAsync(provider), Gateway: await CpuAsync(gateway));
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{streams} streams, {TokensPerSecond} tokens/s each, {tokens} tokens, {(isPlain ? "plain" : "TLS")}; "
        + $"CPU us per token: provider {(after.Provider - before.Provider) / tokens:F1}, "
        + $"gateway {(after.Gateway - before.Gateway) / tokens:F1}"));
    provider.StandardInput.Close();
    gateway.StandardInput.Close();
    return 0;
}

static async Task<int> RunClientsAsync(string front, int streams)
{
    using var clients = Start("clients", front, $"{streams}");
    return Int((await clients.StandardOutput.ReadToEndAsync()).Trim());
}

static async Task<double> CpuAsync(Process process)
{
    await process.StandardInput.WriteLineAsync();
    return double.Parse((await process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
}

static Process Start(params string[] arguments)
{
    var start = new ProcessStartInfo(Environment.ProcessPath!)
    {
        RedirectStandardOutput = true,
        RedirectStandardInput = true,
    };
    Array.ForEach(arguments, start.ArgumentList.Add);
    return Process.Start(start)!;
}

static async Task<int> ProviderAsync(int seconds, bool isPlain)
{
    using var certificates = isPlain
        ? null
        : NodeCertificateStore.Open(Directory.CreateTempSubdirectory("souk-bench-").FullName, TimeProvider.System);
    var token = SseWriter.Data(
        "{\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\"model\":\"demo\",\"choices\":[]}"u8);
    var handler = new Handler(async (_, response, aborted) =>
    {
        await response.StartAsync(200, new() { { "content-type", "text/event-stream" } }, aborted);
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / TokensPerSecond), TimeProvider.System);
        for (var i = 0; i < seconds * TokensPerSecond && await pace.WaitForNextTickAsync(aborted); i++)
        {
            await response.WriteAsync(token, aborted);
        }

        await response.WriteAsync("data: [DONE]\n\n"u8.ToArray(), aborted);
    });
    return await ServeAsync(handler, certificates);
}

static async Task<int> GatewayAsync(string target, string pin)
{
    using var wire = new HttpWireClient(
        new() { AllowsPrivateAddresses = true, MaxConnectionsPerPeer = 4096 }, TimeProvider.System);
    var node = new NodeClient(wire, TimeProvider.System);
    var peer = new PeerTarget(new Uri(target), pin == "-" ? null : Bytes32.Parse(pin));
    var key = PrivateKey.FromBytes(Enumerable.Repeat((byte)1, 32).ToArray());
    var escrow = new EscrowDomain(1, key.Address);
    var config = new ChannelConfig(
        key.Address, key.Address, key.Address, key.Address, key.Address, 900, Bytes32.Zero);
    var voucher = Voucher.Sign(key, escrow, config.Id(escrow), new(1));
    var paid = new PaidRequest(default, Bytes32.Zero, 1, Bytes32.Zero, default, config, voucher);
    return await ServeAsync(new Handler(async (_, response, aborted) =>
    {
        var sent = await node.SendPaidAsync(peer, paid, "{}"u8.ToArray(), aborted);
        await using var reply = sent.Value;
        await response.StartAsync(200, new() { { "content-type", "text/event-stream" } }, aborted);
        var frame = new System.Buffers.ArrayBufferWriter<byte>(1024);
        while (true)
        {
            var next = await reply.NextAsync(aborted);
            if (next.Kind is not (PaidEventKind.Data or PaidEventKind.Done))
            {
                throw new InvalidOperationException(next.Refusal?.Message ?? "A receipt came.");
            }

            frame.ResetWrittenCount();
            SseWriter.WriteData(frame, next.Data.Span);
            await response.WriteAsync(frame.WrittenMemory, aborted);
            if (next.Kind == PaidEventKind.Done)
            {
                return;
            }
        }
    }), null);
}

static async Task<int> ServeAsync(IWireHandler handler, NodeCertificateStore? certificates)
{
    var limits = new WireLimits { MaxRequestsPerPeer = 4096, MaxStreamsPerPeer = 4096 };
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.UseKestrelHttpsConfiguration();
    builder.WebHost.ConfigureKestrel(kestrel => kestrel.UseWireLimits(limits).Listen(IPAddress.Loopback, 0, listen =>
    {
        if (certificates is not null)
        {
            listen.UseNodeTls(certificates);
        }
    }));
    await using var app = builder.Build();
    app.MapWire(handler, limits);
    await app.StartAsync();
    var port = new Uri(app.Urls.First()).Port;
    Console.WriteLine(certificates is null
        ? $"http://127.0.0.1:{port} -"
        : $"https://127.0.0.1:{port} {certificates.Current.SpkiHash}");
    while (Console.ReadLine() is not null)
    {
        using var self = Process.GetCurrentProcess();
        Console.WriteLine(self.TotalProcessorTime.TotalMicroseconds.ToString(CultureInfo.InvariantCulture));
    }

    return 0;
}

static async Task<int> ClientsAsync(string target, int streams)
{
    using var wire = new HttpWireClient(
        new() { AllowsPrivateAddresses = true, MaxConnectionsPerPeer = 4096 }, TimeProvider.System);
    var counts = await Task.WhenAll(Enumerable.Range(0, streams).Select(async _ =>
    {
        var peer = new PeerTarget(new Uri(target.Split(' ')[0]), null);
        await using var reply = await wire.SendAsync(peer, WireRequest.Get("/"), CancellationToken.None);
        var tokens = -1;
        await foreach (var item in SseReader.ReadAsync(reply.Body))
        {
            tokens += item.Kind == SseItemKind.Data ? 1 : 0;
        }

        return tokens;
    }));
    Console.WriteLine(counts.Sum());
    return 0;
}

internal sealed class Handler(Func<WireRequest, IWireResponse, CancellationToken, Task> handle) : IWireHandler
{
    public Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted) =>
        handle(request, response, aborted);
}
