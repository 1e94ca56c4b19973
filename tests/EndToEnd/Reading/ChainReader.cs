using System.Globalization;
using System.Net.Http.Json;
using System.Numerics;
using System.Text.Json;

namespace Souk.EndToEnd.Reading;

/// <summary>
/// Reads the chain with JSON-RPC of its own, so that what checks balances shares nothing with what moves them.
/// Selectors are the first four bytes of the Keccak hash of the signature in the comment.
/// </summary>
internal sealed class ChainReader(Uri rpc) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = rpc, Timeout = TimeSpan.FromSeconds(30) };

    private string _block = "latest";

    /// <summary>From now on everything is read at the block that is the newest now, so that sums over several reads
    /// hold.</summary>
    public async Task FixAsync() => _block = (await AskAsync("eth_blockNumber")).GetString()!;

    /// <summary>balanceOf(address)</summary>
    public async Task<BigInteger> CurrencyAsync(string currency, string holder) =>
        (await CallAsync(currency, "70a08231" + Word(holder)))[0];

    /// <summary>What an account has of the chain's own coin, in wei.</summary>
    public async Task<BigInteger> BalanceAsync(string account) =>
        Number((await AskAsync("eth_getBalance", account, _block)).GetString()!);

    /// <summary>totalSupply()</summary>
    public async Task<BigInteger> SupplyAsync(string currency) => (await CallAsync(currency, "18160ddd"))[0];

    /// <summary>channels(bytes32): balance and claimed total of a channel.</summary>
    public async Task<(BigInteger Balance, BigInteger Claimed)> ChannelAsync(string escrow, string channel)
    {
        var words = await CallAsync(escrow, "7a7ebd7b" + Word(channel));
        return (words[0], words[1]);
    }

    /// <summary>receivers(address,address): claimed and settled totals of a receiver.</summary>
    public async Task<(BigInteger Claimed, BigInteger Settled)> ReceiverAsync(string escrow, string receiver,
        string currency)
    {
        var words = await CallAsync(escrow, "21ff6389" + Word(receiver) + Word(currency));
        return (words[0], words[1]);
    }

    /// <summary>isReceiverAllowed(address): whether a vault may fund channels to a receiver.</summary>
    public async Task<bool> IsReceiverAllowedAsync(string vault, string receiver) =>
        (await CallAsync(vault, "d03a85b7" + Word(receiver)))[0] == 1;

    /// <summary>Status of a mined transaction: 1 when it succeeded.</summary>
    public async Task<int> StatusAsync(string transaction)
    {
        var receipt = await AskAsync("eth_getTransactionReceipt", transaction);
        return receipt.ValueKind == JsonValueKind.Null ? -1 : (int)Number(receipt.GetProperty("status").GetString()!);
    }

    public void Dispose() => _http.Dispose();

    private async Task<IReadOnlyList<BigInteger>> CallAsync(string to, string data)
    {
        var answer = (await AskAsync("eth_call", new { to, data = "0x" + data }, _block)).GetString()![2..];
        return [.. answer.Chunk(64).Select(word => Number(new string(word)))];
    }

    private async Task<JsonElement> AskAsync(string method, params object[] parameters)
    {
        using var reply = await _http.PostAsJsonAsync("",
            new { jsonrpc = "2.0", id = 1, method, @params = parameters });
        var text = await reply.Content.ReadAsStringAsync();
        Assert.True(reply.IsSuccessStatusCode && text.Length > 0, $"{method}: {(int)reply.StatusCode} {text}");
        var json = JsonDocument.Parse(text).RootElement;
        return json.TryGetProperty("result", out var result)
            ? result
            : throw new InvalidOperationException($"{method}: {json.GetRawText()}");
    }

    private static BigInteger Number(string hex) => BigInteger.Parse(
        "0" + hex.Replace("0x", "", StringComparison.Ordinal), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string Word(string hex) =>
        hex.Replace("0x", "", StringComparison.Ordinal).ToLowerInvariant().PadLeft(64, '0');
}
