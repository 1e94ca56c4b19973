using Souk.Gateway.Front.Idempotency;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Keys;

/// <summary>
/// Who is calling with which API key: takes each request from the key's rates, and ends what runs when the key is
/// revoked. Kept in memory, one small entry per key in use.
/// </summary>
internal sealed class Callers(TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();
    private readonly Lock _guard = new();
    private readonly Dictionary<Bytes32, KeyTraffic> _byKey = [];

    private TimeSpan Now => time.GetElapsedTime(_start);

    /// <summary>A request begins; dispose the caller when it has ended.</summary>
    /// <param name="account">The key, with its limits of the moment.</param>
    /// <param name="headers">The reply's headers, which tell what is left of the rates.</param>
    /// <param name="aborted">Cancelled when the app leaves.</param>
    public Caller Enter(ApiKeyAccount account, WireHeaders headers, CancellationToken aborted)
    {
        lock (_guard)
        {
            if (!_byKey.TryGetValue(account.KeyHash, out var traffic))
            {
                _byKey[account.KeyHash] = traffic = new KeyTraffic(() => Now);
            }

            traffic.Limit(account.Limits);
            return new Caller(account, traffic, headers, aborted);
        }
    }

    /// <summary>Ends what runs for a key, and forgets its rates.</summary>
    public void Revoke(Bytes32 keyHash)
    {
        KeyTraffic? traffic;
        lock (_guard)
        {
            _byKey.Remove(keyHash, out traffic);
        }

        traffic?.Revoke();
    }
}

/// <summary>A request of an API key while it is under way.</summary>
internal sealed class Caller : IDisposable
{
    private readonly KeyTraffic _traffic;
    private readonly WireHeaders _headers;
    private readonly CancellationTokenSource _stopped;
    private ulong _taken;
    private ulong _used;

    public Caller(ApiKeyAccount key, KeyTraffic traffic, WireHeaders headers, CancellationToken aborted)
    {
        (Key, _traffic, _headers) = (key, traffic, headers);
        _stopped = CancellationTokenSource.CreateLinkedTokenSource(aborted, traffic.Revoked);
    }

    /// <summary>The key as it was when the request came.</summary>
    public ApiKeyAccount Key { get; }

    /// <summary>What the app called the request, by which it is done once; null where it has no name.</summary>
    public ReplayName? Name { get; set; }

    /// <summary>What binds the name to the request. It goes into the append that reserves the money, so that after a
    /// crash either both are there or neither.</summary>
    public IEnumerable<LedgerEvent> Naming(RequestId appRequest, ulong nowMs) => Name is { } name
        ? [new RequestNamed(name.Id, name.Fingerprint, Key.KeyHash, appRequest, nowMs)]
        : [];

    /// <summary>Cancelled when the app has left or the key was revoked: the work is to stop.</summary>
    public CancellationToken Stopped => _stopped.Token;

    /// <summary>Why the work was stopped, where that was the key's revocation.</summary>
    public Refusal? Revoked => _traffic.Revoked.IsCancellationRequested
        ? new Refusal(Fault.Theirs, "api_key_revoked", "The API key was revoked, which ended the answer.")
        : null;

    /// <summary>Takes one request from the key's rate, before any work.</summary>
    public Refusal? TakeRequest() => Told(_traffic.TakeRequest());

    /// <summary>
    /// Takes what the request may come to from the key's rate of tokens; asked again for the same request, only what
    /// is new.
    /// </summary>
    /// <param name="prompt">Prompt tokens.</param>
    /// <param name="output">The most output tokens.</param>
    /// <param name="isGuess">True where the app set no limit: then it is a guess, and never more than a whole
    /// minute's.</param>
    public Refusal? TakeTokens(ulong prompt, ulong output, bool isGuess)
    {
        var refusal = _traffic.TakeTokens(prompt, output, isGuess, ref _taken);
        if (refusal?.Code == KeyTraffic.TooLarge)
        {
            // Waiting does not help, so no SDK should.
            _headers["x-should-retry"] = "false";
        }

        return Told(refusal);
    }

    /// <summary>What the request came to, prompt and output.</summary>
    public void Used(ulong tokens) => _used += tokens;

    public void Dispose()
    {
        _traffic.Correct((Int128)_used - _taken);
        _stopped.Dispose();
    }

    private Refusal? Told(Refusal? refusal)
    {
        _traffic.Tell(_headers, refusal);
        return refusal;
    }
}
