using System.Buffers.Binary;
using System.Globalization;
using Souk.Chain.Codec;

namespace Souk.Chain.Bindings;

/// <summary>Why a contract reverted, in words.</summary>
/// <param name="Name">The error's name, or <c>Error</c>, <c>Panic</c>, or <c>Unknown</c>.</param>
/// <param name="Text">Name and values, as in <c>CapExceeded(kind: 1, amount: 5, remaining: 2)</c>.</param>
public sealed record RevertReason(string Name, string Text);

/// <summary>Reads revert data by the errors of all bound contracts.</summary>
public static class ContractErrors
{
    private const int LongestText = 600;

    private static readonly Dictionary<uint, ErrorBinding> Known = Table();

    /// <summary>The reason in revert data. Never throws: a node may answer with anything.</summary>
    public static RevertReason Read(ReadOnlyMemory<byte> data)
    {
        if (data.Length < 4)
        {
            return new RevertReason("Unknown", "reverted without saying why");
        }

        var selector = BinaryPrimitives.ReadUInt32BigEndian(data.Span);
        if (!Known.TryGetValue(selector, out var error))
        {
            return Unknown(data);
        }

        try
        {
            var values = error.Read(new AbiReader(data[4..])).Select(v => v.Name.Length == 0
                ? v.Value
                : $"{v.Name}: {v.Value}");
            return new RevertReason(error.Name, Shortened($"{error.Name}({string.Join(", ", values)})"));
        }
        catch (AbiException)
        {
            return Unknown(data);
        }
    }

    private static RevertReason Unknown(ReadOnlyMemory<byte> data) => new(
        "Unknown",
        string.Create(CultureInfo.InvariantCulture, $"an unknown error of {data.Length} bytes that starts with ")
            + $"0x{Convert.ToHexStringLower(data.Span[..4])}");

    private static string Shortened(string text) => text.Length <= LongestText ? text : text[..LongestText] + "...";

    private static Dictionary<uint, ErrorBinding> Table()
    {
        IEnumerable<ErrorBinding> all =
        [
            // Solidity documentation, "Panic via assert and Error via require".
            new("Error", "Error(string)", static r => [("", ErrorBinding.Show(r.Text()))]),
            new("Panic", "Panic(uint256)", static r => [("code", ErrorBinding.Show(r.NonNegative256(256)))]),
            .. BatchSettlementContract.Errors,
            .. CustomerVaultContract.Errors,
            .. CustomerVaultFactoryContract.Errors,
            .. DevelopmentCurrencyContract.Errors,
            .. Erc3009DepositCollectorContract.Errors,
            .. ProviderRegistryContract.Errors,
        ];
        var table = new Dictionary<uint, ErrorBinding>();
        foreach (var error in all)
        {
            // Contracts share errors of their libraries, which have the same meaning everywhere.
            table.TryAdd(BinaryPrimitives.ReadUInt32BigEndian(ErrorBinding.Selector(error.Signature)), error);
        }

        return table;
    }
}
