namespace Souk.Protocol;

/// <summary>A provider's standing price for one model, signed by its node key.</summary>
public sealed record Offer : ISoukMessage
{
    /// <summary>The EIP-712 type.</summary>
    public const string Type = "Offer(address provider,bytes32 modelDigest,bytes32 weightsRoot,bytes32 tokenizerRoot,"
        + "bytes32 templateRoot,string numerics,string publicName,uint128 inputPrice,uint128 cachedPrice,"
        + "uint128 outputPrice,uint32 context,uint32 maxOutput,uint32 sliceLeast,uint32 sliceGreatest,"
        + "string[] features,uint32 concurrency,string region,string hardware,string engine,string sampler,"
        + "string counting,string dataPolicy,string endpoint,bytes32 spkiHash,address escrow,address currency,"
        + "address payout,address authorizer,uint40 withdrawDelay,uint128 minimumDeposit,uint64 sequence,"
        + "uint64 issuedAt,uint64 expiry,bytes32 heartbeatAnchor)";

    private static readonly Bytes32 TypeHash = Eip712.TypeHash(Type);

    /// <summary>The provider's address in the registry.</summary>
    public required Address Provider { get; init; }

    /// <summary>The model, as <see cref="ModelManifest.Digest"/>.</summary>
    public required Bytes32 ModelDigest { get; init; }

    /// <summary>Root over the weight files; zero where the manifest has none.</summary>
    public required Bytes32 WeightsRoot { get; init; }

    /// <summary>Root over the tokenizer files; zero where the manifest has none.</summary>
    public required Bytes32 TokenizerRoot { get; init; }

    /// <summary>Root over the chat template; zero where the manifest has none.</summary>
    public required Bytes32 TemplateRoot { get; init; }

    /// <summary>
    /// Weight, activation and KV-cache types, such as "w=bf16,a=bf16,kv=bf16". A claim until audited.
    /// </summary>
    public required string Numerics { get; init; }

    /// <summary>
    /// A hint for people. It is not trusted: public names resolve through the reader's catalogue alone.
    /// </summary>
    public required string PublicName { get; init; }

    /// <summary>Smallest units per 1,000,000 prompt tokens that were not in the cache.</summary>
    public required Amount InputPrice { get; init; }

    /// <summary>Smallest units per 1,000,000 prompt tokens served from the cache.</summary>
    public required Amount CachedPrice { get; init; }

    /// <summary>Smallest units per 1,000,000 generated tokens.</summary>
    public required Amount OutputPrice { get; init; }

    /// <summary>Most tokens of prompt and answer together.</summary>
    public required int Context { get; init; }

    /// <summary>Most tokens of one answer.</summary>
    public required int MaxOutput { get; init; }

    /// <summary>Least output tokens that a slice may cover.</summary>
    public required int SliceLeast { get; init; }

    /// <summary>Greatest output tokens that a slice may cover.</summary>
    public required int SliceGreatest { get; init; }

    /// <summary>What requests may use, such as "tools"; sorted by UTF-8 bytes, without repeats.</summary>
    public required IReadOnlyList<string> Features { get; init; }

    /// <summary>Requests served at once; 0 withdraws the offer.</summary>
    public required int Concurrency { get; init; }

    /// <summary>Where the machine is, such as "eu-west"; empty where it is not told.</summary>
    public required string Region { get; init; }

    /// <summary>What the machine is, such as "2x RTX 4090"; empty where it is not told.</summary>
    public required string Hardware { get; init; }

    /// <summary>Name and version of the engine.</summary>
    public required string Engine { get; init; }

    /// <summary>Name of the seeded sampler, such as "souk-gumbel-1"; empty where there is none.</summary>
    public required string Sampler { get; init; }

    /// <summary>
    /// How tokens are counted: <see cref="CountingKinds.Ids"/> or <see cref="CountingKinds.Usage"/>.
    /// </summary>
    public required string Counting { get; init; }

    /// <summary>What the provider says it does with prompts and answers.</summary>
    public required string DataPolicy { get; init; }

    /// <summary>Where the node answers: an absolute http(s) URL.</summary>
    public required string Endpoint { get; init; }

    /// <summary>
    /// SHA-256 of the SubjectPublicKeyInfo of the node's certificate; zero for plain HTTP on loopback.
    /// </summary>
    public required Bytes32 SpkiHash { get; init; }

    /// <summary>The escrow whose channels pay for it.</summary>
    public required Address Escrow { get; init; }

    /// <summary>The currency of every price here.</summary>
    public required Address Currency { get; init; }

    /// <summary>The receiver of the channels.</summary>
    public required Address Payout { get; init; }

    /// <summary>The receiverAuthorizer of the channels.</summary>
    public required Address Authorizer { get; init; }

    /// <summary>The withdraw delay of the channels, in seconds.</summary>
    public required uint WithdrawDelay { get; init; }

    /// <summary>Least balance with which a channel is accepted.</summary>
    public required Amount MinimumDeposit { get; init; }

    /// <summary>Rises with every offer for the same model; a newer one replaces an older.</summary>
    public required ulong Sequence { get; init; }

    /// <summary>Unix seconds.</summary>
    public required ulong IssuedAt { get; init; }

    /// <summary>Unix seconds after which the offer is not honoured.</summary>
    public required ulong Expiry { get; init; }

    /// <summary>Start of the heartbeat chain; see <see cref="Heartbeat"/>.</summary>
    public required Bytes32 HeartbeatAnchor { get; init; }

    /// <summary>The three prices.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public Prices Prices => new(InputPrice, CachedPrice, OutputPrice);

    /// <summary>The offer hash that receipts name: the EIP-712 digest.</summary>
    public Bytes32 Hash(SoukDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return Eip712.Digest(domain.Domain, StructHash());
    }

    /// <inheritdoc/>
    public Bytes32 StructHash() => new StructHasher(TypeHash)
        .Add(Provider).Add(ModelDigest).Add(WeightsRoot).Add(TokenizerRoot).Add(TemplateRoot).Add(Numerics)
        .Add(PublicName).Add(InputPrice).Add(CachedPrice).Add(OutputPrice).Add(Context).Add(MaxOutput)
        .Add(SliceLeast).Add(SliceGreatest).AddArray(Features).Add(Concurrency).Add(Region).Add(Hardware)
        .Add(Engine).Add(Sampler).Add(Counting).Add(DataPolicy).Add(Endpoint).Add(SpkiHash).Add(Escrow)
        .Add(Currency).Add(Payout).Add(Authorizer).Add((ulong)WithdrawDelay).Add(MinimumDeposit).Add(Sequence)
        .Add(IssuedAt).Add(Expiry).Add(HeartbeatAnchor).Hash();

    /// <inheritdoc/>
    public Refusal? Flaw() => OfferRules.Flaw(this);

    /// <summary>Offers are equal when every signed field is.</summary>
    public bool Equals(Offer? other) => other is not null && StructHash() == other.StructHash();

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Provider, ModelDigest, Sequence);
}

/// <summary>How an offer counts tokens.</summary>
public static class CountingKinds
{
    /// <summary>Every token id is told, so the reader counts for itself.</summary>
    public const string Ids = "ids";

    /// <summary>Only totals are told; the trust tier is at best unaudited.</summary>
    public const string Usage = "usage";
}
