using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Cli.DevChain;
using Souk.Cli.State;
using Souk.Protocol;

namespace Souk.Cli.Tests.DevChain;

public sealed class LocalChainTests
{
    private static readonly SenderOptions Hurried = new() { PollInterval = TimeSpan.FromMilliseconds(50) };

    [Fact]
    public async Task What_was_mined_is_there_again_after_the_chain_was_killed()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        var port = PlainAnvil.FreePort();
        var holder = Address.Parse("0x00000000000000000000000000000000000000aa");
        List<JsonElement> seen = [];
        var chain = await StartAsync(data, port);
        await using (chain)
        {
            for (var i = 1; i <= 3; i++)
            {
                seen.Add(await SendAsync(port, holder, (UInt128)i));
            }

            // Nothing is written at its end: the process is gone at once.
            var (id, _) = chain.Process;
            using var anvil = Process.GetProcessById(id);
            anvil.Kill();
            await chain.Exited;
        }

        await using var again = await StartAsync(data, port);
        Assert.Equal("0x6", (await CallAsync(port, "eth_getBalance", holder.ToString(), "latest")).GetString());
        foreach (var before in seen)
        {
            var hash = before.GetProperty("transactionHash").GetString()!;
            var after = await CallAsync(port, "eth_getTransactionReceipt", hash);
            Assert.Equal("0x1", after.GetProperty("status").GetString());
            Assert.Equal(
                before.GetProperty("effectiveGasPrice").GetString(),
                    after.GetProperty("effectiveGasPrice").GetString());
            Assert.Equal(before.GetProperty("time").GetString(), after.GetProperty("time").GetString());
        }

        var next = await SendAsync(port, holder, 10);
        Assert.Equal("0x1", next.GetProperty("status").GetString());
        Assert.Equal("0x10", (await CallAsync(port, "eth_getBalance", holder.ToString(), "latest")).GetString());
    }

    [Theory]
    [InlineData("evm_increaseTime")]
    [InlineData("anvil_setBalance")]
    [InlineData("eth_sendTransaction")]
    [InlineData("hardhat_reset")]
    public async Task What_the_journal_could_not_bring_back_is_refused(string method)
    {
        using var folder = new TestFolder();
        var port = PlainAnvil.FreePort();
        await using var chain = await StartAsync(new DataDirectory(folder.Path), port);

        using var http = new HttpClient();
        foreach (object body in new object[] { Body(method), new[] { Body("eth_chainId"), Body(method) } })
        {
            using var reply = await http.PostAsJsonAsync(Url(port), body);
            var json = await reply.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Contains(
                "journal", json.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        }

        static object Body(string method) => new { jsonrpc = "2.0", id = 1, method, @params = Array.Empty<object>() };
    }

    [Fact]
    public async Task An_anvil_that_was_left_behind_is_ended_and_nothing_else_is()
    {
        using var folder = new TestFolder();
        await using var chain = await StartAsync(new DataDirectory(folder.Path), PlainAnvil.FreePort());
        var (id, port) = chain.Process;

        AnvilProcess.EndOrphan(id, port + 1);
        AnvilProcess.EndOrphan(Environment.ProcessId, port);
        Assert.False(chain.Exited.IsCompleted);
        AnvilProcess.EndOrphan(id, port);
        await chain.Exited.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static Task<LocalChain> StartAsync(DataDirectory data, int port) => LocalChain.StartAsync(
        data, port, TimeProvider.System, static (_, _) => { }, static (_, _) => { }, default);

    private static async Task<JsonElement> SendAsync(int port, Address to, UInt128 wei)
    {
        using var rpc = new RpcChain(LocalChain.ChainId, [new Uri(Url(port))], new RpcOptions(), TimeProvider.System);
        using var key = WellKnownKeys.Development(LocalChain.ChainId).Value;
        await using var sender = new TransactionSender(rpc, key, Hurried);
        var sent = await sender.SendAsync(to, default, wei, default);
        return await CallAsync(port, "eth_getTransactionReceipt", sent.Value.Transaction.ToString());
    }

    // A receipt comes with the time of its block, whose number another run may not give it again.
    private static async Task<JsonElement> CallAsync(int port, string method, params object[] parameters)
    {
        var result = await AskAsync(port, method, parameters);
        if (method != "eth_getTransactionReceipt")
        {
            return result;
        }

        var block = await AskAsync(port, "eth_getBlockByNumber", result.GetProperty("blockNumber").GetString()!, false);
        var fields = result.EnumerateObject().ToDictionary(field => field.Name, field => (object)field.Value);
        fields["time"] = block.GetProperty("timestamp").GetString()!;
        return JsonSerializer.SerializeToElement(fields);
    }

    private static async Task<JsonElement> AskAsync(int port, string method, params object[] parameters)
    {
        using var http = new HttpClient();
        using var reply = await http.PostAsJsonAsync(
            Url(port), new { jsonrpc = "2.0", id = 1, method, @params = parameters });
        return (await reply.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("result");
    }

    private static string Url(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/");
}
