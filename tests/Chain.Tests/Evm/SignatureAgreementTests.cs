using System.Text.Json.Nodes;
using Souk.Chain.Bindings;
using Souk.Chain.Evm;
using Souk.Chain.Rpc;
using Souk.Chain.Tests.Nodes;
using Souk.Protocol;

namespace Souk.Chain.Tests.Evm;

/// <summary>What the protocol signs is what the deployed contracts and wallets (eth_signTypedData_v4) hash.</summary>
public sealed class SignatureAgreementTests
{
    [Fact]
    public async Task Digests_are_those_of_the_contracts()
    {
        await using var market = await MarketFixture.StartAsync();
        await market.SettleInAsync();
        var head = (await market.Rpc.NewestAsync(default)).Head;
        var escrow = market.Network.EscrowDomain;
        var channel = market.Channel(1);
        var id = market.IdOf(channel);
        var vault = new SoukDomain(market.Network.ChainId, market.Vault);
        var registry = new SoukDomain(market.Network.ChainId, market.Network.Registry);
        var nonce = Bytes32.FromBytes([.. new byte[31], 9]);
        var row = market.Row(channel, 20, 10);
        var tuple = new ChannelConfigTuple(
            channel.Payer, channel.PayerAuthorizer, channel.Receiver, channel.ReceiverAuthorizer, channel.Token,
            channel.WithdrawDelay, channel.Salt);
        var draw = new DrawAuthorisation(id, new Amount(5), nonce, 77);
        var relay = RelayOrders.Sign(
            market.Owner, market.Network.ChainId, market.Vault,
            [new RemoveHotKey(market.Vault, market.Payout), new AddHotKey(market.Vault, market.Payout, new Amount(3))],
            nonce, 78);
        var authorisation = RelayOrders.Authorisation(relay);

        (Address Contract, byte[] Call, Bytes32 Expected)[] cases =
        [
            (market.Network.Escrow, BatchSettlementContract.EncodeGetChannelId(tuple), id),
            (market.Network.Escrow, BatchSettlementContract.EncodeGetVoucherDigest(id, 20),
                Voucher.Digest(escrow, id, new Amount(20))),
            (market.Network.Escrow, BatchSettlementContract.EncodeGetRefundDigest(id, 3, 4),
                RefundAuthorisation.Digest(escrow, id, 3, new Amount(4))),
            (market.Network.Escrow,
                BatchSettlementContract.EncodeGetClaimBatchDigest(
                    [new VoucherClaimTuple(new VoucherTuple(tuple, 20), row.Signature.ToBytes(), 10)]),
                ClaimBatch.Digest(escrow, [new ClaimEntry(id, row.Ceiling, row.Total)])),
            (market.Vault, CustomerVaultContract.EncodeDrawDigest(id, 5, nonce, 77), draw.Digest(vault)),
            (market.Vault,
                CustomerVaultContract.EncodeRelayDigest(market.Owner.Address, authorisation.Calls, nonce, 78),
                authorisation.Digest(vault)),
            (market.Network.Registry,
                ProviderRegistryContract.EncodeNodeProofDigest(market.Provider.Address, market.Node.Address),
                NodeKeyProof.Digest(registry, market.Provider.Address, market.Node.Address)),
        ];
        var results = await market.Rpc.CallAsync(
            [.. cases.Select(c => new EvmCall(c.Contract, c.Call))], head, default);

        Assert.Equal(cases.Select(c => c.Expected), results.Select(result => Bytes32.FromBytes(result.Span)));
    }

    [Fact]
    public async Task A_wallets_typed_data_signature_of_a_voucher_is_ours()
    {
        await using var anvil = await AnvilProcess.StartAsync();
        var account = Address.Parse((await anvil.CallAsync("eth_accounts"))[0].GetString()!.ToLowerInvariant());
        var domain = new EscrowDomain(31337, Address.Parse("0x00000000000000000000000000000000000000e5"));
        var channel = Sha.Hash([1]);
        var typed = JsonNode.Parse($$"""
            {
              "types": {
                "EIP712Domain": [
                  { "name": "name", "type": "string" }, { "name": "version", "type": "string" },
                  { "name": "chainId", "type": "uint256" }, { "name": "verifyingContract", "type": "address" }
                ],
                "Voucher": [
                  { "name": "channelId", "type": "bytes32" }, { "name": "maxClaimableAmount", "type": "uint128" }
                ]
              },
              "primaryType": "Voucher",
              "domain": {
                "name": "x402 Batch Settlement", "version": "1", "chainId": 31337,
                "verifyingContract": "{{domain.Escrow}}"
              },
              "message": { "channelId": "{{channel}}", "maxClaimableAmount": "{{Amount.MaxValue}}" }
            }
            """);

        var signature = Signature.Parse(
            (await anvil.CallAsync("eth_signTypedData_v4", account.ToString(), typed)).GetString()!);

        Assert.Equal(account, new Voucher(channel, Amount.MaxValue, signature).Signer(domain));
    }
}
