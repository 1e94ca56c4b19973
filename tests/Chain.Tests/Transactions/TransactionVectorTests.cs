using System.Globalization;
using System.Text.Json;
using CsCheck;
using Souk.Chain.Codec;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Tests.Transactions;

public sealed class TransactionVectorTests
{
    [Fact]
    public void Signs_the_example_of_EIP_155()
    {
        var vector = VectorFiles.Read("transactions/eip155.json");
        using var key = PrivateKey.FromBytes(VectorFiles.Hex(vector, "privateKey"));
        var transaction = new LegacyTransaction(
            vector.GetProperty("chainId").GetUInt64(),
            vector.GetProperty("nonce").GetUInt64(),
            Decimal(vector, "gasPrice"),
            vector.GetProperty("gas").GetUInt64(),
            Address.Parse(vector.GetProperty("to").GetString()!),
            Decimal(vector, "value"),
            default);

        Assert.Equal(VectorFiles.Hex(vector, "signingData"), transaction.SigningBytes.ToArray());
        Assert.Equal(vector.GetProperty("signingHash").GetString(), transaction.SigningHash.ToString());
        Assert.Equal(VectorFiles.Hex(vector, "signed"), transaction.Sign(key).Bytes.ToArray());
    }

    [Fact]
    public void Signs_the_published_EIP_1559_transactions()
    {
        var count = 0;
        foreach (var vector in VectorFiles.Read("transactions/eip1559.json").EnumerateArray())
        {
            using var key = PrivateKey.FromBytes(VectorFiles.Hex(vector, "key"));
            var tx = vector.GetProperty("tx");
            var transaction = new FeeMarketTransaction(
                (ulong)Number(tx, "chainId"),
                (ulong)Number(tx, "nonce"),
                Number(tx, "maxPriorityFeePerGas"),
                Number(tx, "maxFeePerGas"),
                (ulong)Number(tx, "gasLimit"),
                tx.TryGetProperty("to", out var to) && to.GetString() is { } text ? Address.Parse(text) : null,
                Number(tx, "value"),
                tx.TryGetProperty("data", out var data) ? VectorFiles.Hex(data.GetString()!) : default);
            var signed = transaction.Sign(key);

            Assert.Equal(vector.GetProperty("signed").GetString(), "0x" + Convert.ToHexStringLower(signed.Bytes.Span));
            Assert.Equal(
                Keccak256.Hash(VectorFiles.Hex(vector, "unsigned")), transaction.SigningHash);
            Assert.Equal(
                Address.Parse(vector.GetProperty("address").GetString()!), SignedTransaction.Sender(signed.Bytes));
            count++;
        }

        Assert.Equal(120, count);
    }

    [Fact]
    public void Signs_the_published_legacy_transactions_with_and_without_chain_id()
    {
        var count = 0;
        foreach (var vector in VectorFiles.Read("transactions/legacy.json").EnumerateArray())
        {
            using var key = PrivateKey.FromBytes(VectorFiles.Hex(vector, "privateKey"));
            var fields = Rlp.Decode(VectorFiles.Hex(vector, "unsignedTransaction")).Items;
            if (fields[2].Bytes.Length > 8 || fields[4].Bytes.Length > 16 || fields[1].Bytes.Length > 16)
            {
                continue;
            }

            var transaction = new LegacyTransaction(
                null,
                (ulong)fields[0].ToNumber(),
                fields[1].ToNumber(),
                (ulong)fields[2].ToNumber(),
                fields[3].Bytes.IsEmpty ? null : Address.FromBytes(fields[3].Bytes.Span),
                fields[4].ToNumber(),
                fields[5].Bytes);

            AssertSigned(vector, "signedTransaction", transaction.Sign(key));
            AssertSigned(vector, "signedTransactionChainId5", (transaction with { ChainId = 5 }).Sign(key));
            count++;
        }

        Assert.True(count >= 60, $"only {count} of the vectors fit");
    }

    [Fact]
    public void Mutated_transactions_decode_or_are_refused_with_the_documented_exception()
    {
        byte[][] vectors =
        [
            .. VectorFiles.Read("transactions/eip1559.json").EnumerateArray()
                .Select(vector => VectorFiles.Hex(vector, "signed")),
            .. VectorFiles.Read("transactions/legacy.json").EnumerateArray()
                .Select(vector => VectorFiles.Hex(vector, "signedTransactionChainId5")),
        ];
        Gen.Select(Gen.Int[0, vectors.Length - 1].Select(i => vectors[i]), Gen.Int[0, 1000], Gen.Byte).Sample(
            (vector, place, value) =>
            {
                var bytes = vector.ToArray();
                bytes[place % bytes.Length] = value;
                try
                {
                    _ = SignedTransaction.Sender(bytes);
                }
                catch (RlpException)
                {
                    // The documented refusal.
                }
            },
            iter: 5_000);
    }

    private static void AssertSigned(JsonElement vector, string name, SignedTransaction signed)
    {
        Assert.Equal(vector.GetProperty(name).GetString(), "0x" + Convert.ToHexStringLower(signed.Bytes.Span));
        Assert.Equal(
            Address.Parse(vector.GetProperty("accountAddress").GetString()!), SignedTransaction.Sender(signed.Bytes));
    }

    private static UInt128 Decimal(JsonElement element, string name) =>
        UInt128.Parse(element.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);

    private static UInt128 Number(JsonElement element, string name)
    {
        if (!element.TryGetProperty(name, out var value))
        {
            return 0;
        }

        if (value.ValueKind == JsonValueKind.Number)
        {
            return value.GetUInt64();
        }

        var text = value.GetString()!;
        return text is "0x" or ""
            ? 0
            : UInt128.Parse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
