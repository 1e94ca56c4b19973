using System.Text;
using System.Text.Json;
using Souk.Conformance.Composition;
using Souk.Engines;
using Souk.Ledger;
using Souk.Ledger.Sqlite;
using Souk.Market.Offers;
using Souk.Market.Picking;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.Bench;

/// <summary>The steps of a request by themselves, with the product's own code and the data of a request that was
/// served.</summary>
internal sealed class Steps : IDisposable
{
    private readonly ServedRequest _served;
    private readonly PrivateKey _key = PrivateKey.Create(new SystemRandomness());
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-steps-").FullName;
    private readonly SqliteLedger _ledger;
    private readonly EscrowDomain _escrow;
    private readonly SoukDomain _domain;
    private readonly byte[] _body = JsonSerializer.SerializeToUtf8Bytes(new
    {
        model = MarketNetwork.Model,
        messages = new[] { new { role = "user", content = "What is 1234 plus 4?" } },
        max_tokens = 1,
    });

    public Steps(ServedRequest served)
    {
        _served = served;
        _ledger = SqliteLedger.Open(Path.Combine(_folder, "steps.ledger"));
        var offer = served.Offer.Offer.Message;
        _escrow = new EscrowDomain(LoopbackChain.ChainId, offer.Escrow);
        _domain = new SoukDomain(LoopbackChain.ChainId, Address.Zero);
        var encoder = Encoder();
        var chat = ChatRequest.Parse(_body).Value;
        var (book, needs) = Market(offer);
        var receipt = served.Receipt.Receipt;
        int[] ids = [.. Enumerable.Range(0, 1)];
        var salt = Encoding.UTF8.GetBytes(served.Sent.Salt)[..16];
        Gateway =
        [
            Now("parse the request", () => ChatRequest.Parse(_body)),
            Now("count the prompt", () => encoder.Encode(chat)),
            Now("pick an offer", () => Matching.Rank(needs, book, offer.IssuedAt + 1)),
            Now("sign the voucher", () =>
                Voucher.Sign(_key, _escrow, served.Voucher.Voucher.ChannelId, new Amount(1000))),
            Now("commit to request, prompt and output", () =>
            {
                Commitments.Request(salt, _body);
                Commitments.Prompt(salt, ids);
                return Commitments.Output(salt, [ids]);
            }),
            Now("verify the receipt", () => receipt.Signer(_domain)),
            new("ledger: two durable writes", () => AppendAsync(served.GatewayAppends)),
        ];
        Provider =
        [
            Now("parse the request", () => ChatRequest.Parse(_body)),
            Now("count the prompt", () => encoder.Encode(chat)),
            Now("verify the voucher", () => served.Voucher.Voucher.Signer(_escrow)),
            Now("commit to request, prompt and output", () =>
            {
                Commitments.Request(salt, _body);
                Commitments.Prompt(salt, ids);
                return Commitments.Output(salt, [ids]);
            }),
            Now("sign the receipt", () => Signed<Receipt>.Sign(receipt.Message, _key, _domain)),
            new("ledger: two durable writes", () => AppendAsync(served.ProviderAppends)),
        ];
    }

    public IReadOnlyList<Step> Gateway { get; }

    public IReadOnlyList<Step> Provider { get; }

    public void Dispose()
    {
        _ledger.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
        _key.Dispose();
    }

    private static Step Now<T>(string name, Func<T> work) => new(name, () =>
    {
        GC.KeepAlive(work());
        return Task.CompletedTask;
    });

    private async Task AppendAsync(IReadOnlyList<LedgerEntry[]> appends)
    {
        foreach (var entries in appends)
        {
            await _ledger.AppendAsync(entries);
        }
    }

    private (OfferBook Book, Requirements Needs) Market(Offer offer)
    {
        var verified = new VerifiedOffer(
            _served.Offer.Offer, _served.Offer.OfferHash, Address.Zero, new Amount(1), TrustTier.Unaudited);
        var needs = new Requirements
        {
            Models = [offer.ModelDigest], PromptTokens = 20, AppLimit = 1, Available = new Amount(1_000_000),
        };
        return (OfferBook.Empty.Add(verified).Value, needs);
    }

    private static PromptEncoder Encoder()
    {
        Dictionary<string, ReadOnlyMemory<byte>> files = new(StringComparer.Ordinal);
        foreach (var name in PromptFiles.Names.Where(name => File.Exists(Path.Combine(Places.Model, name))))
        {
            files[name] = File.ReadAllBytes(Path.Combine(Places.Model, name));
        }

        return PromptFiles.Build(files).Value;
    }
}
