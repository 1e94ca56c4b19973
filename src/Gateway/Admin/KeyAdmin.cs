using Souk.Chain;
using Souk.Gateway.Keys;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Gateway.Admin;

/// <summary>What the owner does with API keys. Amounts are exact decimals of the whole currency, prices those per
/// 1,000,000 tokens.</summary>
internal sealed class KeyAdmin(IMarketChain chain, Journal<CustomerBook> journal, KeyDesk keys, TimeProvider time)
{
    private KeyFields Fields => new(
        chain.Network.CurrencyDecimals, (ulong)time.GetUtcNow().ToUnixTimeMilliseconds());

    /// <summary>POST keys: the settings, of which <c>name</c> and <c>budget</c> must be there. The answer is the only
    /// time that the key itself is told.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> CreateAsync(ReadOnlyMemory<byte> body)
    {
        var read = AdminJson.Read(body, root =>
        {
            _ = (root.GetProperty("name"), root.GetProperty("budget"));
            return Fields.Read(root);
        });
        if (!read.TryGet(out var change, out var refusal)
            || !(await keys.CreateAsync(change(new KeySettings("", Amount.Zero, null, KeyLimits.None))))
                .TryGet(out var made, out refusal))
        {
            return refusal;
        }

        return AdminJson.Write(json =>
        {
            json.WriteString("key", made.Secret);
            Fields.Write(json, journal.Durable.ApiKeys[made.Hash]);
        });
    }

    /// <summary>PATCH keys/{hash}: the settings to change.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> ChangeAsync(Bytes32 hash, ReadOnlyMemory<byte> body) =>
        !AdminJson.Read(body, root => Fields.Read(root)).TryGet(out var change, out var refusal)
            ? refusal
            : await keys.ChangeAsync(hash, change) is { } refused
                ? refused
                : One(hash);

    /// <summary>DELETE keys/{hash}.</summary>
    public async Task<Result<ReadOnlyMemory<byte>>> RevokeAsync(Bytes32 hash) =>
        await keys.RevokeAsync(hash) is { } refusal ? refusal : AdminJson.Ok;

    /// <summary>GET keys/{hash}.</summary>
    public Result<ReadOnlyMemory<byte>> One(Bytes32 hash) =>
        journal.Durable.ApiKeys.GetValueOrDefault(hash) is { } key
            ? AdminJson.Write(json => Fields.Write(json, key))
            : KeyDesk.Unknown;

    /// <summary>GET keys.</summary>
    public ReadOnlyMemory<byte> All() => AdminJson.Write(json =>
    {
        json.WriteStartArray("keys");
        foreach (var key in journal.Durable.ApiKeys.Values)
        {
            json.WriteStartObject();
            Fields.Write(json, key);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
