using System.Text.Json;
using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Deployment;

/// <summary>The contracts' creation code as compiled into this assembly, and where it puts them by CREATE2.</summary>
public static class CompiledContracts
{
    /// <summary>The deterministic deployment proxy, at the same address on every chain that has it.</summary>
    public static Address Proxy { get; } = Address.Parse("0x4e59b44847b379578588920cA78FbF26c0B4956C");

    /// <summary>CREATE2 salt of all contracts.</summary>
    public static Bytes32 Salt => Bytes32.Zero;

    internal const string Escrow = "BatchSettlement";
    internal const string Collector = "Erc3009DepositCollector";
    internal const string Currency = "DevelopmentCurrency";
    internal const string Factory = "CustomerVaultFactory";
    internal const string Registry = "ProviderRegistry";

    /// <summary>Creation code of a contract followed by its constructor's arguments, all of them addresses.</summary>
    internal static byte[] CreationCode(string name, params ReadOnlySpan<Address> arguments)
    {
        using var document = JsonDocument.Parse(Resource($"{name}.json"));
        var code = document.RootElement.GetProperty("bytecode").GetString()!;
        var parts = new AbiPart[arguments.Length];
        for (var i = 0; i < arguments.Length; i++)
        {
            parts[i] = AbiPart.Of(arguments[i]);
        }

        return [.. Convert.FromHexString(code.AsSpan(2)), .. AbiPart.Sequence(parts)];
    }

    /// <summary>Where the proxy puts this creation code (EIP-1014).</summary>
    internal static Address AddressOf(ReadOnlySpan<byte> creationCode)
    {
        var hash = Keccak256.Hash(
            [0xff, .. Proxy.ToBytes(), .. Salt.ToBytes(), .. Keccak256.Hash(creationCode).ToBytes()]);
        return Address.FromBytes(hash.ToBytes().AsSpan(12));
    }

    private static Stream Resource(string file) =>
        typeof(CompiledContracts).Assembly.GetManifestResourceStream($"contracts/{file}")
        ?? throw new InvalidOperationException($"The assembly was built without {file}.");
}
