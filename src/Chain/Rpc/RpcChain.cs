using System.Text.Json;
using System.Text.Json.Nodes;
using Souk.Protocol;

namespace Souk.Chain.Rpc;

/// <summary>
/// An EVM chain behind one or more JSON-RPC URLs. Reads name their block by hash (EIP-1898), so that calls of one read
/// agree even when different nodes answer them; a node that does not have the block is passed over.
/// </summary>
/// <exception cref="RpcUnavailableException">From every read, when no node answers.</exception>
/// <exception cref="RpcRefusedException">From every read, when nodes refuse the request itself.</exception>
public sealed class RpcChain : IDisposable
{
    private readonly RpcPool _pool;
    private readonly RpcOptions _options;

    /// <summary>A chain whose id is known; nodes of another chain are never used.</summary>
    public RpcChain(ulong chainId, IReadOnlyList<Uri> urls, RpcOptions options, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(urls);
        ArgumentNullException.ThrowIfNull(options);
        _pool = new RpcPool(urls, chainId, options, time);
        _options = options;
        Time = time;
        ChainId = chainId;
    }

    /// <summary>EIP-155 chain id.</summary>
    public ulong ChainId { get; }

    /// <summary>The clock that waiting goes by.</summary>
    public TimeProvider Time { get; }

    /// <summary>A chain whose id the first URL tells, for when there is no network file yet.</summary>
    public static async Task<RpcChain> OpenAsync(
        IReadOnlyList<Uri> urls, RpcOptions options, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(urls);
        using var pool = new RpcPool(urls, null, options, time);
        var reply = Answer((await pool.SendAsync([RpcCall.OfNumber("eth_chainId")], cancellation))[0]);
        var id = RpcValues.Quantity64(reply) ?? throw Malformed("eth_chainId");
        return new RpcChain(id, urls, options, time);
    }

    /// <summary>The newest block. Where the answer is stale and there are other nodes, the newest that any knows.
    /// </summary>
    public async Task<EvmBlock> NewestAsync(CancellationToken cancellation)
    {
        var call = BlockCall("latest");
        var block = Block(Answer((await _pool.SendAsync([call], cancellation))[0])) ?? throw Malformed(call.Method);
        var age = Time.GetUtcNow().ToUnixTimeSeconds() - (long)Math.Min(block.Head.Timestamp, long.MaxValue);
        if (age <= _options.StaleHead.TotalSeconds || _pool.Count == 1)
        {
            return block;
        }

        var all = (await _pool.SendToAllAsync([call], cancellation))
            .Select(node => (node.Node, Block: node.Replies[0].Error is null ? Block(node.Replies[0].Result) : null))
            .Where(node => node.Block is not null)
            .ToList();
        foreach (var (_, candidate) in all)
        {
            block = candidate!.Head.Number > block.Head.Number ? candidate : block;
        }

        foreach (var (node, candidate) in all.Where(node => node.Block!.Head.Number < block.Head.Number))
        {
            _pool.Bench(node, $"it is {block.Head.Number - candidate!.Head.Number} blocks behind");
        }

        return block;
    }

    /// <summary>Blocks by number; null where the chain is not that long.</summary>
    public async Task<IReadOnlyList<EvmBlock?>> BlocksAsync(
        IReadOnlyList<ulong> numbers, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        var replies = await SendAsync([.. numbers.Select(n => BlockCall(RpcValues.Quantity(n)))], cancellation);
        return [.. replies.Select(reply => reply.ValueKind == JsonValueKind.Null
            ? null
            : Block(reply) ?? throw Malformed("eth_getBlockByNumber"))];
    }

    /// <summary>What each call returns at this block.</summary>
    /// <exception cref="CallRevertedException">One of them reverts.</exception>
    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> CallAsync(
        IReadOnlyList<EvmCall> calls, Head at, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(calls);
        return await HexesAsync(
            [.. calls.Select(call => RpcCall.OfBytes("eth_call", Call(call.To, call.Data), AtBlock(at)))],
            cancellation);
    }

    /// <summary>The code at each address at this block; empty where there is none.</summary>
    public async Task<IReadOnlyList<ReadOnlyMemory<byte>>> CodeAsync(
        IReadOnlyList<Address> addresses, Head at, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(addresses);
        return await HexesAsync(
            [.. addresses.Select(a => RpcCall.OfBytes("eth_getCode", a.ToString(), AtBlock(at)))], cancellation);
    }

    /// <summary>Gas money of an address, in wei, at this block.</summary>
    public async Task<UInt128> BalanceAsync(Address address, Head at, CancellationToken cancellation)
    {
        var reply = await SendAsync([BalanceCall(address, at)], cancellation);
        return RpcValues.Quantity(reply[0]) ?? throw Malformed("eth_getBalance");
    }

    /// <summary>For each block, the logs that any of the filters matches, in the order of the filters.</summary>
    public async Task<IReadOnlyList<IReadOnlyList<EvmLog>>> LogsAsync(
        IReadOnlyList<Head> blocks, IReadOnlyList<EvmLogFilter> filters, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(blocks);
        ArgumentNullException.ThrowIfNull(filters);
        var calls = blocks.SelectMany(block => filters.Select(filter => LogsCall(block, filter))).ToList();
        var replies = await SendAsync(calls, cancellation);
        var logs = replies.Select(reply => Logs(reply) ?? []).ToList();
        return [.. blocks.Select((_, i) =>
            (IReadOnlyList<EvmLog>)[.. logs.Skip(i * filters.Count).Take(filters.Count).SelectMany(part => part)])];
    }

    /// <summary>Sends calls and returns their results.</summary>
    internal async Task<JsonElement[]> SendAsync(IReadOnlyList<RpcCall> calls, CancellationToken cancellation) =>
        calls.Count == 0 ? [] : [.. (await _pool.SendAsync(calls, cancellation)).Select(Answer)];

    /// <summary>Sends one call and returns result or error, for callers to whom an error is news.</summary>
    internal async Task<RpcReply> AskAsync(RpcCall call, CancellationToken cancellation) =>
        (await _pool.SendAsync([call], cancellation))[0];

    /// <inheritdoc/>
    public void Dispose() => _pool.Dispose();

    internal static JsonObject Call(
        Address? to, ReadOnlyMemory<byte> data, Address? from = null, UInt128 value = default)
    {
        var call = new JsonObject { ["data"] = RpcValues.Hex(data.Span) };
        if (to is { } recipient)
        {
            call["to"] = recipient.ToString();
        }

        if (from is { } sender)
        {
            call["from"] = sender.ToString();
        }

        if (value > 0)
        {
            call["value"] = RpcValues.Quantity(value);
        }

        return call;
    }

    internal static JsonObject AtBlock(Head at) =>
        new() { ["blockHash"] = at.Hash.ToString(), ["requireCanonical"] = true };

    internal static RpcUnavailableException Malformed(string method) =>
        new($"The answer to {method} is not what the method returns.");

    internal static JsonElement Answer(RpcReply reply) => reply.Error switch
    {
        null => reply.Result,
        { Kind: RpcErrorKind.Revert } error => throw new CallRevertedException(error.Data ?? default),
        var error => throw new RpcRefusedException(error.Code, error.Short),
    };

    // Only the newest block is always there.
    private static RpcCall BlockCall(string block) => RpcCall.Of(
        "eth_getBlockByNumber",
        result => Block(result) is not null || (result.ValueKind == JsonValueKind.Null && block != "latest"),
        block,
        false);

    private static RpcCall BalanceCall(Address address, Head at) => RpcCall.Of(
        "eth_getBalance", static result => RpcValues.Quantity(result) is not null, address.ToString(), AtBlock(at));

    private static RpcCall LogsCall(Head block, EvmLogFilter filter)
    {
        var query = new JsonObject { ["blockHash"] = block.Hash.ToString() };
        if (filter.Contracts.Count > 0)
        {
            query["address"] = new JsonArray([.. filter.Contracts.Select(a => (JsonNode)a.ToString())]);
        }

        query["topics"] = new JsonArray([.. filter.Topics.Select(place => place.Count == 0
            ? null
            : (JsonNode)new JsonArray([.. place.Select(topic => (JsonNode)topic.ToString())]))]);
        return RpcCall.Of("eth_getLogs", static result => Logs(result) is not null, query);
    }

    private static EvmBlock? Block(JsonElement json) =>
        RpcValues.Quantity64(RpcValues.Member(json, "number")) is { } number
        && RpcValues.Word(RpcValues.Member(json, "hash")) is { } hash
        && RpcValues.Word(RpcValues.Member(json, "parentHash")) is { } parent
        && RpcValues.Quantity64(RpcValues.Member(json, "timestamp")) is { } timestamp
        && RpcValues.Quantity64(RpcValues.Member(json, "gasLimit")) is { } gasLimit
            ? new EvmBlock(
                new Head(number, hash, timestamp),
                parent,
                RpcValues.Quantity(RpcValues.Member(json, "baseFeePerGas")) ?? 0,
                gasLimit)
            : null;

    // Null if any of them is malformed.
    private static List<EvmLog>? Logs(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var logs = new List<EvmLog>();
        foreach (var log in json.EnumerateArray())
        {
            var topics = RpcValues.Member(log, "topics");
            if (RpcValues.Account(RpcValues.Member(log, "address")) is not { } contract
                || RpcReplies.Hex(RpcValues.Member(log, "data")) is not { } data
                || topics.ValueKind != JsonValueKind.Array)
            {
                return null;
            }

            var words = topics.EnumerateArray().Select(RpcValues.Word).ToList();
            if (words.Exists(word => word is null))
            {
                return null;
            }

            logs.Add(new EvmLog(contract, words.ConvertAll(word => word!.Value), data));
        }

        return logs;
    }

    private async Task<IReadOnlyList<ReadOnlyMemory<byte>>> HexesAsync(
        IReadOnlyList<RpcCall> calls, CancellationToken cancellation)
    {
        var replies = await SendAsync(calls, cancellation);
        return [.. replies.Select(reply =>
            (ReadOnlyMemory<byte>)(RpcReplies.Hex(reply) ?? throw Malformed(calls[0].Method)))];
    }
}
