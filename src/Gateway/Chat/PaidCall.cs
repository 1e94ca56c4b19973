using Souk.Market.Offers;
using Souk.Market.Pricing;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Gateway.Chat;

/// <summary>An app's request that is reserved, vouched for and written down: everything that is fixed before it
/// leaves.</summary>
/// <param name="AppRequest">Names the app's request and its reservation.</param>
/// <param name="KeyHash">The API key that pays.</param>
/// <param name="Reserved">What was set aside.</param>
/// <param name="Chat">The app's request.</param>
/// <param name="Verified">The offer that prices it.</param>
/// <param name="Target">Where its provider answers.</param>
/// <param name="Paid">What goes with the body.</param>
/// <param name="ChannelId">The channel that pays.</param>
/// <param name="Body">The exact bytes that go to the provider.</param>
/// <param name="Plan">Slices and raises.</param>
/// <param name="Encoder">Counts and decodes; null with counting by usage.</param>
/// <param name="PromptCommitment">To the prompt by the gateway's own encoding; null with counting by usage.</param>
/// <param name="KnownNonce">The last provider nonce known when it was sent.</param>
/// <param name="KnownIndex">The request index that it belongs to.</param>
internal sealed record PaidCall(
    RequestId AppRequest, Bytes32 KeyHash, Amount Reserved, ChatRequest Chat, VerifiedOffer Verified, PeerTarget Target,
    PaidRequest Paid, Bytes32 ChannelId, ReadOnlyMemory<byte> Body, SlicePlan Plan, PromptEncoder? Encoder,
    Bytes32? PromptCommitment, Bytes32 KnownNonce, ulong KnownIndex)
{
    /// <summary>True when every token id is told, and so counted here.</summary>
    public bool CountsIds => Encoder is not null;
}
