using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Souk.Cli.Hosting;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.DevChain;

/// <summary>
/// The development chain of one data directory: anvil behind a journal. Whatever a client saw mined is there again
/// after any stop, kill -9 of everything included: the journal is replayed with each block's own time and base fee.
/// </summary>
internal sealed class LocalChain : IAsyncDisposable
{
    /// <summary>anvil's own chain id; its well-known keys are accepted on no other.</summary>
    public const ulong ChainId = 31337;

    private const int MostBodyBytes = 4 << 20;
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly string[] Beside = ["anvil_", "evm_", "hardhat_", "eth_sendTransaction"];
    private readonly AnvilProcess _anvil;
    private readonly ChainJournal _journal;
    private readonly RpcLink _link;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private WebApplication? _server;
    private Task _recording = Task.CompletedTask;
    private ulong _recorded;

    private LocalChain(AnvilProcess anvil, ChainJournal journal, TimeProvider time)
    {
        (_anvil, _journal, _time) = (anvil, journal, time);
        _link = new RpcLink(anvil.Port);
    }

    /// <summary>The anvil process, so that a later run can end it if this one dies.</summary>
    public (int Id, int Port) Process => (_anvil.Id, _anvil.Port);

    /// <summary>Completes when anvil has ended.</summary>
    public Task Exited => _anvil.Exited;

    /// <summary>Starts the chain of a data directory and serves it on a loopback port.</summary>
    /// <param name="data">Where the journal is.</param>
    /// <param name="port">Where clients reach it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="started">Told the process as soon as there is one.</param>
    /// <param name="progress">Told how many blocks of how many were replayed.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<LocalChain> StartAsync(
        DataDirectory data, int port, TimeProvider time, Action<int, int> started, Action<int, int> progress,
        CancellationToken cancellation)
    {
        var binary = AnvilProcess.Find() ?? throw new FileNotFoundException(
            "anvil was not found. Run 'npm ci' in contracts/ (a build does it), or name the program in SOUK_ANVIL.");
        var journal = ChainJournal.Open(
            Path.Combine(data.Folder("chain"), "journal"), (ulong)time.GetUtcNow().ToUnixTimeSeconds());
        var anvil = AnvilProcess.Start(binary, FreePort(), ChainId, journal.Genesis);
        started(anvil.Id, anvil.Port);
        var chain = new LocalChain(anvil, journal, time);
        try
        {
            await chain.WaitAsync(cancellation);
            await chain.ReplayAsync(progress, cancellation);
            await chain.ServeAsync(port, cancellation);
            chain._recording = chain.RecordAsync(chain._stopping.Token);
            return chain;
        }
        catch
        {
            await chain.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        await _stopping.CancelAsync();
        await _recording.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Current);
        if (!_anvil.HasExited)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5), _time);
            try
            {
                await _link.CallAsync("evm_setIntervalMining", patience.Token, 0);
                await RecordNewAsync(patience.Token);
            }
            catch (Exception gone) when (gone is HttpRequestException or OperationCanceledException or JsonException)
            {
                // Its blocks are replayed from the transactions then.
            }
        }

        _anvil.Dispose();
        _link.Dispose();
        _journal.Dispose();
        _stopping.Dispose();
        _turn.Dispose();
    }

    private async Task WaitAsync(CancellationToken cancellation)
    {
        var deadline = _time.GetUtcNow() + StartPatience;
        while (true)
        {
            try
            {
                if (await _link.CallAsync("eth_chainId", cancellation) is not null)
                {
                    return;
                }
            }
            catch (HttpRequestException) when (!_anvil.HasExited && _time.GetUtcNow() < deadline)
            {
                await Task.Delay(Poll, _time, cancellation);
            }
        }
    }

    private async Task ReplayAsync(Action<int, int> progress, CancellationToken cancellation)
    {
        var raw = _journal.Transactions.ToDictionary(entry => entry.Hash, entry => entry.Raw, StringComparer.Ordinal);
        HashSet<string> done = new(StringComparer.Ordinal);
        for (var i = 0; i < _journal.Blocks.Count; i++)
        {
            var block = _journal.Blocks[i];
            await _link.CallAsync("anvil_setNextBlockBaseFeePerGas", cancellation, Hex(block.BaseFee));
            await _link.CallAsync("evm_setNextBlockTimestamp", cancellation, Hex(block.Timestamp));
            foreach (var hash in block.Transactions.Where(raw.ContainsKey))
            {
                await _link.CallAsync("eth_sendRawTransaction", cancellation, raw[hash]);
                done.Add(hash);
            }

            await _link.CallAsync("evm_mine", cancellation);
            progress(i + 1, _journal.Blocks.Count);
        }

        _recorded = await NumberAsync(cancellation);
        await _link.CallAsync("evm_setTime", cancellation, _time.GetUtcNow().ToUnixTimeSeconds());
        // What came after the last recorded block may have been mined and seen: it is given again, in order. What was
        // never valid is refused again.
        var tail = _journal.Transactions.Where(entry => !done.Contains(entry.Hash)).ToList();
        foreach (var (_, transaction) in tail)
        {
            await _link.CallAsync("eth_sendRawTransaction", cancellation, transaction);
        }

        await _link.CallAsync("evm_mine", cancellation);
        await _link.CallAsync("evm_setIntervalMining", cancellation, 1);
    }

    private async Task ServeAsync(int port, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IHostLifetime, NodeHost.NoSignals>();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBodyBytes;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        _server = builder.Build();
        _server.MapPost("/", AnswerAsync);
        await _server.StartAsync(cancellation);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (IsWebPage(context.Request))
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var request = body.ToArray();
        if (Judge(request) is { } refusal)
        {
            await context.Response.WriteAsJsonAsync(
                new { jsonrpc = "2.0", id = (object?)null, error = new { code = -32601, message = refusal } },
                context.RequestAborted);
            return;
        }

        var reply = await _link.ForwardAsync(request, context.RequestAborted);
        // Blocks are durable before anybody hears of them, so that a replay mines the very same.
        await RecordNewAsync(context.RequestAborted);
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(reply, context.RequestAborted);
    }

    // A page that a visitor happens to open can make the browser send requests to this machine, under its own origin
    // or, by a name that it lets point here, under a foreign host. Wallets in browsers come with another scheme.
    private static bool IsWebPage(HttpRequest request) => request.Host.Host is not ("127.0.0.1" or "localhost")
        || request.Headers.Origin.Any(static origin => origin is "null"
            || origin!.StartsWith("http", StringComparison.Ordinal));

    // Transactions are durable before anvil sees them. What would change the chain beside them is refused, since it
    // could not be brought back.
    private string? Judge(byte[] request)
    {
        try
        {
            using var document = JsonDocument.Parse(request);
            var calls = document.RootElement.ValueKind == JsonValueKind.Array
                ? document.RootElement.EnumerateArray().ToList()
                : [document.RootElement];
            foreach (var call in calls)
            {
                var method = call.GetProperty("method").GetString() ?? "";
                if (method == "eth_sendRawTransaction")
                {
                    var raw = call.GetProperty("params")[0].GetString()!;
                    _journal.Add(Keccak256.Hash(Convert.FromHexString(raw[2..])).ToString(), raw);
                }
                else if (Beside.Any(start => method.StartsWith(start, StringComparison.Ordinal)))
                {
                    return $"This chain keeps a journal of signed transactions; {method} would change it beside the "
                        + "journal.";
                }
            }

            return null;
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException
            or FormatException or ArgumentOutOfRangeException or IndexOutOfRangeException or NullReferenceException)
        {
            return "The request is no JSON-RPC call.";
        }
    }

    private async Task RecordAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await RecordNewAsync(cancellation);
            await Task.Delay(Poll, _time, cancellation);
        }
    }

    private async Task RecordNewAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            await RecordUpToNewestAsync(cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task RecordUpToNewestAsync(CancellationToken cancellation)
    {
        var newest = await NumberAsync(cancellation);
        while (_recorded < newest)
        {
            if (await _link.CallAsync("eth_getBlockByNumber", cancellation, Hex(_recorded + 1), false) is not { } block)
            {
                return;
            }

            var hashes = block.GetProperty("transactions").EnumerateArray().Select(hash => hash.GetString()!).ToList();
            if (hashes.Count > 0)
            {
                _journal.Add(new JournalBlock(
                    Number(block.GetProperty("timestamp")), Number(block.GetProperty("baseFeePerGas")), hashes));
            }

            _recorded++;
        }
    }

    private async Task<ulong> NumberAsync(CancellationToken cancellation) =>
        await _link.CallAsync("eth_blockNumber", cancellation) is { } number ? Number(number) : 0;

    private static ulong Number(JsonElement hex) =>
        ulong.Parse(hex.GetString()![2..], NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
