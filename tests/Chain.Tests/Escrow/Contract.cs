using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Chain.Bindings;
using Souk.Chain.Evm;
using Souk.Chain.Tests.Nodes;
using Souk.Protocol;

namespace Souk.Chain.Tests.Escrow;

/// <summary>What the EVM says of one call: the revert data or null, and all numbers afterwards.</summary>
internal sealed record Observed(byte[]? Revert, IReadOnlyList<UInt128> State);

/// <summary>
/// The contracts on anvil. A whole sequence is one <c>eth_simulateV1</c>: a block for each call, at its own time and
/// from its own sender, with all reads behind it; nothing of it stays.
/// </summary>
internal sealed class Contract(AnvilProcess anvil, NetworkFile network)
{
    private static readonly Address Developer = Address.Parse("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");

    public NetworkFile Network { get; } = network;

    /// <summary>The real currency's signing domain.</summary>
    public Eip712Domain Currency => new("Souk Development Dollar", "1", Network.ChainId, Network.Currency);

    /// <summary>Deploys the committed bytecode.</summary>
    public static async Task<Contract> DeployAsync(AnvilProcess anvil)
    {
        var escrow = await CreateAsync(anvil, "BatchSettlement", "");
        var currency = await CreateAsync(anvil, "DevelopmentCurrency", "");
        var argument = escrow.ToString()[2..].PadLeft(64, '0');
        var collector = await CreateAsync(anvil, "Erc3009DepositCollector", argument);
        return new Contract(anvil, new NetworkFile(
            31337, [anvil.Url.ToString()], escrow, Address.Zero, Address.Zero, currency, 6, 1, 1, 60, null, null, [],
            collector));
    }

    /// <summary>Plays a sequence, with gas that one call may use.</summary>
    public async Task<IReadOnlyList<Observed>> PlayAsync(Cast cast, IEnumerable<Step> steps)
    {
        var reads = Reads(cast);
        var blocks = new JsonArray([.. steps.Select(step => Block(step, reads))]);
        var request = new JsonObject { ["blockStateCalls"] = blocks };
        var reply = await anvil.CallAsync("eth_simulateV1", request, "latest");
        return [.. reply.EnumerateArray().Select(block => Read(block.GetProperty("calls")))];
    }

    private JsonObject Block(Step step, IReadOnlyList<(Address To, byte[] Data)> reads)
    {
        var call = ContractCalls.Encode(step.Real, Network);
        return new JsonObject
        {
            ["blockOverrides"] = new JsonObject
            {
                ["time"] = AnvilProcess.Quantity(step.Time), ["gasLimit"] = AnvilProcess.Quantity(1_000_000_000),
            },
            ["calls"] = new JsonArray(
            [
                Call(step.Sender, call.To, call.Data.Span, 3_000_000),
                .. reads.Select(read => Call(Developer, read.To, read.Data, 100_000)),
            ]),
        };
    }

    private static JsonObject Call(Address from, Address to, ReadOnlySpan<byte> data, ulong gas) => new()
    {
        ["from"] = from.ToString(),
        ["to"] = to.ToString(),
        ["data"] = "0x" + Convert.ToHexStringLower(data),
        ["gas"] = AnvilProcess.Quantity(gas),
    };

    private List<(Address To, byte[] Data)> Reads(Cast cast) =>
    [
        .. cast.Watched.Select(channel => channel.Id(Network.EscrowDomain)).SelectMany(id => new[]
        {
            (Network.Escrow, BatchSettlementContract.EncodeChannels(id)),
            (Network.Escrow, BatchSettlementContract.EncodePendingWithdrawals(id)),
            (Network.Escrow, BatchSettlementContract.EncodeRefundNonce(id)),
        }),
        .. cast.Accounts.SelectMany(account => new[]
        {
            (Network.Escrow, BatchSettlementContract.EncodeReceivers(account, Network.Currency)),
            (Network.Currency, DevelopmentCurrencyContract.EncodeBalanceOf(account)),
        }),
        (Network.Currency, DevelopmentCurrencyContract.EncodeBalanceOf(Network.Escrow)),
    ];

    private static Observed Read(JsonElement calls)
    {
        var first = calls[0];
        var isDone = first.GetProperty("status").GetString() == "0x1";
        return new Observed(isDone ? null : Bytes(first), [.. calls.EnumerateArray().Skip(1).SelectMany(Words)]);
    }

    private static IEnumerable<UInt128> Words(JsonElement call)
    {
        Assert.Equal("0x1", call.GetProperty("status").GetString());
        var hex = call.GetProperty("returnData").GetString()!;
        for (var at = 2; at < hex.Length; at += 64)
        {
            // The upper half of every word is empty: nothing here is wider than 128 bits.
            Assert.Equal(-1, hex.AsSpan(at, 32).IndexOfAnyExcept('0'));
            yield return UInt128.Parse(hex.AsSpan(at + 32, 32), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }
    }

    private static byte[] Bytes(JsonElement call) =>
        Convert.FromHexString(call.GetProperty("returnData").GetString()!.AsSpan(2));

    private static async Task<Address> CreateAsync(AnvilProcess anvil, string name, string arguments)
    {
        var path = Path.Combine(VectorFiles.Root, "contracts", "abi", $"{name}.json");
        using var artifact = JsonDocument.Parse(await File.ReadAllTextAsync(path));
        var code = artifact.RootElement.GetProperty("bytecode").GetString() + arguments;
        var creation = new JsonObject { ["from"] = Developer.ToString(), ["data"] = code };
        var hash = (await anvil.CallAsync("eth_sendTransaction", creation)).GetString();
        var receipt = await anvil.CallAsync("eth_getTransactionReceipt", hash);
        while (receipt.ValueKind == JsonValueKind.Null)
        {
            // On a busy machine the block is sealed a little later than the transaction is taken.
            await Task.Delay(20);
            receipt = await anvil.CallAsync("eth_getTransactionReceipt", hash);
        }

        return Address.Parse(receipt.GetProperty("contractAddress").GetString()!);
    }
}
