using System.Text.Json;

namespace Souk.Protocol;

/// <summary>Everything that makes a network: one file, the same for every role.</summary>
/// <param name="ChainId">EIP-155 chain id.</param>
/// <param name="RpcUrls">JSON-RPC endpoints of the chain, in order of preference.</param>
/// <param name="Escrow">The x402 batch-settlement escrow.</param>
/// <param name="Registry">The provider registry.</param>
/// <param name="VaultFactory">Makes customers' vaults.</param>
/// <param name="Currency">The ERC-20 that is paid with.</param>
/// <param name="CurrencyDecimals">Decimal places of the currency.</param>
/// <param name="BlockTime">Seconds between blocks.</param>
/// <param name="Confirmations">Blocks after which money on the chain counts fully.</param>
/// <param name="MaxHeadAge">Seconds after which the newest head is too old to act on.</param>
/// <param name="Catalogue">File or URL of the catalogue; null for none.</param>
/// <param name="CatalogueSigner">Who must have signed it; null for none.</param>
/// <param name="Indexers">Base URLs of indexers.</param>
/// <param name="Erc3009Collector">The escrow's collector of deposits that payers sign by EIP-3009, through which plain
/// x402 clients pay; null where deposits come from vaults only.</param>
public sealed record NetworkFile(
    ulong ChainId,
    IReadOnlyList<string> RpcUrls,
    Address Escrow,
    Address Registry,
    Address VaultFactory,
    Address Currency,
    int CurrencyDecimals,
    double BlockTime,
    int Confirmations,
    int MaxHeadAge,
    string? Catalogue,
    Address? CatalogueSigner,
    IReadOnlyList<string> Indexers,
    Address? Erc3009Collector = null)
{
    /// <summary>Largest file read, in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    /// <summary>The domain of channels and vouchers.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public EscrowDomain EscrowDomain => new(ChainId, Escrow);

    /// <summary>The domain of Souk's messages.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public SoukDomain SoukDomain => new(ChainId, Registry);

    /// <summary>Reads a network file; a refusal names every error at once, one a line.</summary>
    public static Result<NetworkFile> Parse(ReadOnlySpan<byte> utf8) => NetworkFileReader.Read(utf8);

    /// <summary>Reads a network file; a refusal names every error at once, one a line.</summary>
    public static Result<NetworkFile> Parse(string json) => Parse(System.Text.Encoding.UTF8.GetBytes(json));

    /// <summary>The file's text, indented.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, SoukJsonContext.Indented.NetworkFile);
}
