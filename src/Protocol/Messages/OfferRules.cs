using System.Text;

namespace Souk.Protocol;

/// <summary>What every offer must satisfy whatever the market looks like: bounds on sizes, and sense.</summary>
internal static class OfferRules
{
    private const int MaxFeatures = 64;
    private const int MaxShortText = 64;
    private const int MaxText = 256;
    private const int MaxEndpoint = 512;

    public static Refusal? Flaw(Offer offer) => FirstProblem(offer) is { } problem
        ? new Refusal(Fault.Theirs, "offer_malformed", $"The offer cannot be used: {problem}")
        : null;

    private static string? FirstProblem(Offer offer) =>
        TextProblem(offer)
        ?? NumberProblem(offer)
        ?? FeatureProblem(offer.Features)
        ?? EndpointProblem(offer.Endpoint);

    private static string? TextProblem(Offer offer) =>
        TooLong("numerics", offer.Numerics, MaxShortText)
        ?? TooLong("public_name", offer.PublicName, MaxText)
        ?? TooLong("region", offer.Region, MaxShortText)
        ?? TooLong("hardware", offer.Hardware, MaxText)
        ?? TooLong("engine", offer.Engine, MaxShortText)
        ?? TooLong("sampler", offer.Sampler, MaxShortText)
        ?? TooLong("data_policy", offer.DataPolicy, MaxText)
        ?? TooLong("endpoint", offer.Endpoint, MaxEndpoint)
        ?? (offer.Counting is CountingKinds.Ids or CountingKinds.Usage ? null : "counting is neither ids nor usage.");

    private static string? NumberProblem(Offer offer) => offer switch
    {
        { Context: < 1 } => "context is less than one token.",
        { MaxOutput: < 1 } => "max_output is less than one token.",
        { SliceLeast: < 1 } => "slice_least is less than one token.",
        _ when offer.SliceGreatest < offer.SliceLeast => "slice_greatest is below slice_least.",
        { Concurrency: < 0 } => "concurrency is negative.",
        _ when offer.Expiry <= offer.IssuedAt => "expiry is not after issued_at.",
        { WithdrawDelay: < ChannelConfig.MinWithdrawDelay or > ChannelConfig.MaxWithdrawDelay } =>
            "withdraw_delay is outside 900 to 2592000 seconds.",
        _ => null,
    };

    private static string? FeatureProblem(IReadOnlyList<string> features)
    {
        if (features.Count > MaxFeatures)
        {
            return $"it has more than {MaxFeatures} features.";
        }

        for (var i = 0; i < features.Count; i++)
        {
            if (features[i] is null or "" || Encoding.UTF8.GetByteCount(features[i]) > MaxShortText)
            {
                return $"a feature is empty or longer than {MaxShortText} bytes.";
            }

            if (i > 0 && Utf8Order.Instance.Compare(features[i - 1], features[i]) >= 0)
            {
                return "features are not sorted or repeat.";
            }
        }

        return null;
    }

    private static string? EndpointProblem(string endpoint) =>
        Uri.TryCreate(endpoint, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp)
        && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0 && uri.Query.Length == 0
            ? null
            : "endpoint is not an absolute http(s) URL without user, query and fragment.";

    private static string? TooLong(string field, string text, int limit) =>
        Encoding.UTF8.GetByteCount(text) > limit ? $"{field} is longer than {limit} bytes." : null;
}
