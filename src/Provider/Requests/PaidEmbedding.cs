using Souk.Engines;
using Souk.Market.Pricing;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Embeddings;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;
using FinishReasons = Souk.Protocol.FinishReasons;

namespace Souk.Provider.Requests;

/// <summary>
/// Paid embeddings while they are made. They are charged by their input alone and delivered whole, with the receipt in
/// a header; a failure or a crash before that charges nothing.
/// </summary>
internal sealed class PaidEmbedding(
    Admitted admitted, CoverGate cover, IWireResponse response, TimeProvider time) : PaidWork(admitted, cover)
{
    private byte[]? _body;

    /// <inheritdoc/>
    public override IReadOnlyList<RequestChoice> Choices() => [new RequestChoice([], Outcome)];

    /// <inheritdoc/>
    public override ulong ChargedOutput() => 0;

    /// <inheritdoc/>
    public override async Task<bool> TryEndAsync(Signed<Receipt> receipt)
    {
        if (_body is null)
        {
            return false;
        }

        var headers = new WireHeaders(4)
        {
            { SoukHeaders.ProviderNonce, Admitted.ProviderNonce.ToString() },
            { SoukHeaders.Receipt, ReceiptText.ToHeader(receipt) },
        };
        try
        {
            await response.SendJsonAsync(200, _body, CancellationToken.None, headers);
        }
        catch (Exception broken) when (broken is OperationCanceledException or IOException)
        {
            // The customer has gone; it finds the receipt by the request's id.
        }

        return true;
    }

    /// <inheritdoc/>
    protected override async Task WorkAsync()
    {
        var inputs = Admitted.Chat.Embedding!;
        if (Admitted.Prompts is { } ids)
        {
            Input = ids.Aggregate(0UL, (sum, some) => sum + (ulong)some.Length);
            PromptCommitment = Commitments.Prompt(Admitted.Paid.Salt.ToBytes(), ids);
        }

        var made = await Admitted.Sale.Engine.EmbedAsync(
            new EmbeddingRequest(inputs, Admitted.Prompts, Admitted.Paid.Channel.Payer.ToString()), Stopping);
        if (made.Vectors.Count != inputs.Inputs.Count)
        {
            throw new InvalidOperationException("The engine made another number of vectors than was asked for.");
        }

        if (!Admitted.CountsIds)
        {
            Input = Math.Min((ulong)made.InputTokens, UncountedWork.MostInput(Admitted.Body.Length));
        }

        var usage = new Usage((long)Input, 0);
        _body = new EmbeddingList(made.Vectors, usage.PromptTokens)
            .ToJson(Admitted.Offer.ModelDigest.ToString(), usage, inputs.IsBase64);
        FirstTokenAtMs = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        Outcome = FinishReasons.Stop;
    }
}
