using Souk.Chain.Bindings;
using Souk.Chain.Codec;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Protocol;

namespace Souk.Chain.Deployment;

/// <summary>
/// The check at start that a network file names the contracts expected, before any money goes there. A contract at the
/// address that its code decides (CREATE2) can be nothing else; at another address it must behave as ours, or, for the
/// vault factory, which decides what code holds customers' money, have exactly our code.
/// </summary>
public static class NetworkCheck
{
    private const string EscrowName = "x402 Batch Settlement";
    private const string SoukName = "Souk";

    /// <summary>Null if all is well; otherwise one refusal that names every problem, one a line.</summary>
    public static async Task<Refusal?> RunAsync(
        NetworkFile network, RpcChain chain, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(chain);
        try
        {
            var problems = await ProblemsAsync(network, chain, cancellation);
            return problems.Count == 0
                ? null
                : new Refusal(Fault.Ours, ChainRefusals.WrongContract, string.Join('\n', problems));
        }
        catch (RpcUnavailableException failure)
        {
            return Refusals.Unavailable(failure);
        }
        catch (RpcRefusedException failure)
        {
            return Refusals.Refused(failure.Message);
        }
    }

    private static async Task<List<string>> ProblemsAsync(
        NetworkFile network, RpcChain chain, CancellationToken cancellation)
    {
        var head = (await chain.NewestAsync(cancellation)).Head;
        List<(string Name, Address Address)> contracts =
        [
            ("escrow", network.Escrow),
            ("registry", network.Registry),
            ("vaultFactory", network.VaultFactory),
            ("currency", network.Currency),
        ];
        if (network.Erc3009Collector is { } collector)
        {
            contracts.Add(("erc3009Collector", collector));
        }

        var codes = await chain.CodeAsync([.. contracts.Select(c => c.Address)], head, cancellation);
        var problems = contracts
            .Where((_, i) => codes[i].IsEmpty)
            .Select(c => $"{c.Name}: there is no contract at {c.Address} on chain {chain.ChainId}.")
            .ToList();
        if (problems.Count > 0)
        {
            return problems;
        }

        var probe = new Probe(chain, head, problems, cancellation);
        await CheckEscrowAsync(network, probe);
        await CheckRegistryAsync(network, probe);
        await CheckFactoryAsync(network, probe, codes[2]);
        await CheckCurrencyAsync(network, probe);
        await CheckCollectorAsync(network, probe);
        return problems;
    }

    private sealed record Probe(RpcChain Chain, Head Head, List<string> Problems, CancellationToken Cancellation)
    {
        public async Task<T?> AskAsync<T>(
            string name, Address contract, byte[] data, Func<ReadOnlyMemory<byte>, T> decode)
            where T : struct
        {
            try
            {
                return decode((await Chain.CallAsync([new EvmCall(contract, data)], Head, Cancellation))[0]);
            }
            catch (Exception failure) when (failure is AbiException or CallRevertedException)
            {
                Problems.Add($"{name}: {contract} does not behave as this contract ({failure.Message}).");
                return null;
            }
        }

        public void Require(bool isRight, string problem)
        {
            if (!isRight)
            {
                Problems.Add(problem);
            }
        }
    }

    private static async Task CheckEscrowAsync(NetworkFile network, Probe probe)
    {
        if (network.Escrow == CompiledContracts.AddressOf(CompiledContracts.CreationCode(CompiledContracts.Escrow)))
        {
            return;
        }

        if (!await HasDomainAsync("escrow", network.Escrow, EscrowName, probe))
        {
            return;
        }

        // The id of any one channel shows that types and domain are those of the specification.
        var config = new ChannelConfig(
            network.VaultFactory, network.Registry, network.Escrow, network.Currency, network.Currency, 900, default);
        var id = await probe.AskAsync(
            "escrow",
            network.Escrow,
            BatchSettlementContract.EncodeGetChannelId(Evm.ContractCalls.Config(config)),
            BatchSettlementContract.DecodeGetChannelId);
        probe.Require(
            id is null || id == config.Id(network.EscrowDomain),
            $"escrow: {network.Escrow} numbers channels differently from x402 batch-settlement.");
    }

    private static async Task CheckRegistryAsync(NetworkFile network, Probe probe)
    {
        var code = CompiledContracts.CreationCode(CompiledContracts.Registry, network.Currency);
        if (network.Registry == CompiledContracts.AddressOf(code)
            || !await HasDomainAsync("registry", network.Registry, SoukName, probe))
        {
            return;
        }

        var currency = await probe.AskAsync(
            "registry",
            network.Registry,
            ProviderRegistryContract.EncodeCurrency(),
            ProviderRegistryContract.DecodeCurrency);
        probe.Require(
            currency is null || currency == network.Currency,
            $"registry: its stakes are in {currency}, and the network's currency is {network.Currency}.");
        await probe.AskAsync(
            "registry",
            network.Registry,
            ProviderRegistryContract.EncodeStateOf(network.Registry),
            result => ProviderRegistryContract.DecodeStateOf(result).Active);
    }

    private static async Task CheckFactoryAsync(NetworkFile network, Probe probe, ReadOnlyMemory<byte> code)
    {
        var creation = CompiledContracts.CreationCode(CompiledContracts.Factory);
        if (network.VaultFactory == CompiledContracts.AddressOf(creation))
        {
            return;
        }

        // A call without recipient runs the creation code and returns what it would leave on the chain.
        var call = RpcCall.OfBytes("eth_call", RpcChain.Call(null, creation), RpcChain.AtBlock(probe.Head));
        var reply = await probe.Chain.AskAsync(call, probe.Cancellation);
        var expected = RpcReplies.Hex(reply.Result);
        probe.Require(
            reply.Error is null && expected is not null && code.Span.SequenceEqual(expected),
            $"vaultFactory: the code at {network.VaultFactory} is not the vault factory's.");
    }

    private static async Task CheckCurrencyAsync(NetworkFile network, Probe probe)
    {
        var decimals = await probe.AskAsync(
            "currency",
            network.Currency,
            DevelopmentCurrencyContract.EncodeDecimals(),
            DevelopmentCurrencyContract.DecodeDecimals);
        probe.Require(
            decimals is null || decimals == (ulong)network.CurrencyDecimals,
            $"currency: {network.Currency} has {decimals} decimals, and the network file says "
            + $"{network.CurrencyDecimals}.");
    }

    // A collector of another escrow takes deposits to that one only.
    private static async Task CheckCollectorAsync(NetworkFile network, Probe probe)
    {
        if (network.Erc3009Collector is not { } collector)
        {
            return;
        }

        var escrow = await probe.AskAsync(
            "erc3009Collector",
            collector,
            Erc3009DepositCollectorContract.EncodeX402BatchSettlement(),
            Erc3009DepositCollectorContract.DecodeX402BatchSettlement);
        probe.Require(
            escrow is null || escrow == network.Escrow,
            $"erc3009Collector: {collector} collects for {escrow}, and the network's escrow is {network.Escrow}.");
    }

    private static async Task<bool> HasDomainAsync(string name, Address contract, string domain, Probe probe)
    {
        var isRight = await probe.AskAsync(
            name,
            contract,
            BatchSettlementContract.EncodeEip712Domain(),
            result => BatchSettlementContract.DecodeEip712Domain(result) is var d
                && d.Name == domain && d.Version == "1" && d.ChainId == probe.Chain.ChainId
                && d.VerifyingContract == contract);
        probe.Require(
            isRight != false, $"{name}: {contract} has another EIP-712 domain than {domain}, version 1.");
        return isRight == true;
    }
}
