using System.Text.Json;
using Souk.Protocol;

namespace Souk.Conformance.Composition;

/// <summary>
/// A chain that has x402's escrow and collector already. Their addresses are those of the specification; the code is
/// ours, which behaves as theirs does.
/// </summary>
internal static class CanonicalContracts
{
    public static Address Escrow { get; } = Address.Parse("0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");

    public static Address Erc3009Collector { get; } = Address.Parse("0x4020806089470a89826cB9fB1f4059150b550004");

    public static async Task PlaceAsync(LoopbackChain node)
    {
        await PlaceAsync(node, Escrow, Creation("BatchSettlement"));
        // The collector's one argument is its escrow.
        var argument = new string('0', 24) + Escrow.ToString()[2..];
        await PlaceAsync(node, Erc3009Collector, Creation("Erc3009DepositCollector") + argument);
    }

    // A call without recipient runs the creation code and returns what it would leave on the chain.
    private static async Task PlaceAsync(LoopbackChain node, Address address, string creation)
    {
        var code = await node.AskAsync("eth_call", new { data = creation }, "latest");
        await node.CallAsync("anvil_setCode", address.ToString(), code.GetString()!);
    }

    private static string Creation(string contract)
    {
        var file = Path.Combine(Places.Root, "contracts", "abi", contract + ".json");
        using var json = JsonDocument.Parse(File.ReadAllBytes(file));
        return json.RootElement.GetProperty("bytecode").GetString()!;
    }
}
