using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Keys;

/// <summary>What one API key has taken of its rates lately, and whether it was revoked.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Requests that are still under way hold the token.")]
internal sealed class KeyTraffic(Func<TimeSpan> now)
{
    public const string NoRequests = "rate_limit_requests";
    public const string NoTokens = "rate_limit_tokens";
    public const string TooLarge = "rate_limit_size";

    private readonly Lock _guard = new();
    private readonly CancellationTokenSource _revoked = new();
    private RateBucket? _requests;
    private RateBucket? _tokens;
    private TimeSpan _wait;

    public CancellationToken Revoked => _revoked.Token;

    public void Revoke() => _revoked.Cancel();

    public void Limit(KeyLimits limits)
    {
        lock (_guard)
        {
            _requests = Limited(_requests, limits.RequestsPerMinute);
            _tokens = Limited(_tokens, limits.TokensPerMinute);
        }
    }

    public Refusal? TakeRequest()
    {
        lock (_guard)
        {
            if (_tokens is { } tokens && tokens.Left(now()) == 0)
            {
                return Refuse(NoTokens, tokens, "tokens", 1);
            }

            return _requests is { } requests && !requests.TryTake(1, now())
                ? Refuse(NoRequests, requests, "requests", 1)
                : null;
        }
    }

    public Refusal? TakeTokens(ulong prompt, ulong output, bool isGuess, ref ulong taken)
    {
        lock (_guard)
        {
            if (_tokens is not { } tokens)
            {
                return null;
            }

            var most = (ulong)tokens.PerMinute;
            var wanted = prompt + (isGuess ? Math.Min(output, most - Math.Min(most, prompt)) : output);
            if (wanted > most)
            {
                return new Refusal(
                    Fault.Theirs, TooLarge,
                    $"The request may come to {wanted} tokens, and the API key has {most} a minute: it never fits. "
                    + "Shorten the prompt or lower the limit on output tokens.");
            }

            if (wanted > taken && !tokens.TryTake(wanted - taken, now()))
            {
                return Refuse(NoTokens, tokens, "tokens", wanted - taken);
            }

            taken = Math.Max(taken, wanted);
            return null;
        }
    }

    public void Correct(Int128 tokens)
    {
        lock (_guard)
        {
            _tokens?.Correct(tokens, now());
        }
    }

    /// <summary>Writes the headers by which OpenAI's clients know their rates.</summary>
    public void Tell(WireHeaders headers, Refusal? refusal)
    {
        lock (_guard)
        {
            Tell(headers, "requests", _requests);
            Tell(headers, "tokens", _tokens);
            if (refusal is { Code: NoRequests or NoTokens })
            {
                headers["retry-after"] = Math.Max(1, Math.Ceiling(_wait.TotalSeconds))
                    .ToString("0", CultureInfo.InvariantCulture);
                headers["retry-after-ms"] = Math.Max(1, Math.Ceiling(_wait.TotalMilliseconds))
                    .ToString("0", CultureInfo.InvariantCulture);
            }
        }
    }

    private RateBucket? Limited(RateBucket? bucket, uint? perMinute)
    {
        if (perMinute is not { } rate)
        {
            return null;
        }

        if (bucket is null)
        {
            return new RateBucket(rate, now());
        }

        if (bucket.PerMinute != rate)
        {
            bucket.Change(rate, now());
        }

        return bucket;
    }

    private Refusal Refuse(string code, RateBucket bucket, string what, ulong units)
    {
        _wait = bucket.Wait(units, now());
        return new Refusal(
            Fault.Theirs, code,
            $"Rate limit reached for {what} per minute: limit {bucket.PerMinute}, left {bucket.Left(now())}, "
            + $"requested {units}. Try again in {RateText.Duration(_wait)}.");
    }

    private void Tell(WireHeaders headers, string what, RateBucket? bucket)
    {
        if (bucket is null)
        {
            return;
        }

        headers[$"x-ratelimit-limit-{what}"] = bucket.PerMinute.ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-remaining-{what}"] = bucket.Left(now()).ToString(CultureInfo.InvariantCulture);
        headers[$"x-ratelimit-reset-{what}"] = RateText.Duration(bucket.Wait(bucket.PerMinute, now()));
    }
}

/// <summary>Durations as OpenAI writes them in headers.</summary>
internal static class RateText
{
    /// <summary>Such as <c>0s</c>, <c>20ms</c>, <c>8.64s</c>, <c>6m0s</c>, <c>1h0m2.5s</c>; rounded up to whole
    /// milliseconds.</summary>
    public static string Duration(TimeSpan span)
    {
        var milliseconds = (span.Ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
        if (milliseconds is > 0 and < 1000)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{milliseconds}ms");
        }

        var (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
        var seconds = (milliseconds % 60_000 / 1000m).ToString("0.###", CultureInfo.InvariantCulture) + "s";
        return hours > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{hours}h{minutes}m{seconds}")
            : minutes > 0 ? string.Create(CultureInfo.InvariantCulture, $"{minutes}m{seconds}") : seconds;
    }
}
