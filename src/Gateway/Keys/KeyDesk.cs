using System.Text;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Protocol;

namespace Souk.Gateway.Keys;

/// <summary>A new API key; <paramref name="Secret"/> is shown once and kept nowhere.</summary>
public sealed record NewApiKey(Bytes32 Hash, string Secret);

/// <summary>What the owner sets of an API key. The expiry is in Unix milliseconds.</summary>
public sealed record KeySettings(string Name, Amount Budget, ulong? ExpiresAtMs, KeyLimits Limits)
{
    private const int MostNameCharacters = 64;
    private const int MostModels = 64;
    private const int MostModelCharacters = 256;

    /// <summary>What is wrong with these settings, if anything.</summary>
    internal Refusal? Check()
    {
        if (Name.Length is 0 or > MostNameCharacters || Name.Any(char.IsControl))
        {
            return Unfit("name_unfit", $"A key's name has 1 to {MostNameCharacters} printable characters.");
        }

        if (Limits.RequestsPerMinute == 0 || Limits.TokensPerMinute == 0)
        {
            return Unfit("rate_unfit", "A rate is at least 1 a minute; null is for no limit.");
        }

        return Limits.Models is { } models && (models.Count is 0 or > MostModels
            || models.Any(model => model.Length is 0 or > MostModelCharacters || model.Any(char.IsControl)))
            ? Unfit(
                "models_unfit",
                $"The allowed models are 1 to {MostModels} names of at most {MostModelCharacters} printable "
                + "characters; null is for all models.")
            : null;
    }

    private static Refusal Unfit(string code, string message) => new(Fault.Theirs, code, message);
}

/// <summary>Makes, finds, changes and revokes API keys. Only hashes are kept: 32 random bytes need no slow
/// hash.</summary>
internal sealed class KeyDesk(
    Journal<CustomerBook> journal, Callers callers, TimeProvider time, Randomness randomness)
{
    private const string Prefix = "sk-souk-";
    private const int MostKeyCharacters = 256;

    /// <summary>The account behind an Authorization header, if it may be used now.</summary>
    public Result<ApiKeyAccount> Authorise(string? authorization)
    {
        if (SecretOf(authorization) is not { } secret)
        {
            return new Refusal(
                Fault.Theirs, "invalid_api_key", "There is no API key; send it as 'Authorization: Bearer KEY'.");
        }

        var account = journal.Book.ApiKeys.GetValueOrDefault(HashOf(secret));
        return ApiKeyRules.CheckUse(KeyStanding.Of(account, Now()), Now() / 1000) is { } refusal ? refusal : account!;
    }

    /// <summary>Makes a key.</summary>
    public async Task<Result<NewApiKey>> CreateAsync(KeySettings wanted)
    {
        if ((journal.Stalled ?? wanted.Check() ?? CheckExpiry(wanted.ExpiresAtMs)) is { } unfit)
        {
            return unfit;
        }

        var bytes = new byte[32];
        randomness.Fill(bytes);
        var secret = Prefix + Convert.ToHexStringLower(bytes);
        var hash = HashOf(secret);
        var limits = wanted.Limits == KeyLimits.None ? null : wanted.Limits;
        await journal.RecordAsync(
            new ApiKeyCreated(hash, wanted.Name, wanted.Budget, wanted.ExpiresAtMs, Now(), limits));
        return new NewApiKey(hash, secret);
    }

    /// <summary>Changes a key's settings, from the next request on; what has run or runs stays paid for.</summary>
    /// <param name="hash">Which key.</param>
    /// <param name="change">From the settings of the moment to those wanted.</param>
    public Task<Refusal?> ChangeAsync(Bytes32 hash, Func<KeySettings, KeySettings> change) =>
        journal.RecordAsync(book =>
        {
            if (journal.Stalled is { } stalled)
            {
                return stalled;
            }

            if (book.ApiKeys.GetValueOrDefault(hash) is not { } account)
            {
                return Unknown;
            }

            if (account.IsRevoked)
            {
                return new Refusal(Fault.Theirs, "key_revoked", "A revoked key stays revoked; make another.");
            }

            var before = new KeySettings(account.Name, account.Budget, account.ExpiresAtMs, account.Limits);
            var after = change(before);
            return (after.Check() ?? (after.ExpiresAtMs == before.ExpiresAtMs ? null : CheckExpiry(after.ExpiresAtMs)))
                is { } unfit
                ? unfit
                : new LedgerEvent[]
                {
                    new ApiKeyChanged(hash, after.Name, after.Budget, after.ExpiresAtMs, after.Limits, Now()),
                };
        });

    /// <summary>Revokes a key at once: new requests are refused, and running answers end with what was delivered,
    /// which is still charged.</summary>
    public async Task<Refusal?> RevokeAsync(Bytes32 hash)
    {
        var refusal = journal.Stalled ?? await journal.RecordAsync(book => book.ApiKeys.GetValueOrDefault(hash) switch
        {
            null => Unknown,
            { IsRevoked: true } => Array.Empty<LedgerEvent>(),
            _ => new LedgerEvent[] { new ApiKeyRevoked(hash, Now()) },
        });
        if (refusal is null)
        {
            callers.Revoke(hash);
        }

        return refusal;
    }

    /// <summary>The key in an Authorization header; null where there is none.</summary>
    public static string? SecretOf(string? authorization)
    {
        const string Bearer = "Bearer ";
        return authorization is { Length: <= MostKeyCharacters }
            && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
                ? authorization[Bearer.Length..].Trim()
                : null;
    }

    /// <summary>How a key is kept.</summary>
    public static Bytes32 HashOf(string secret) => Sha.Hash(Encoding.UTF8.GetBytes(secret));

    /// <summary>The answer where no key has the hash.</summary>
    public static Refusal Unknown { get; } = new(Fault.Theirs, "key_unknown", "There is no API key with that hash.");

    private Refusal? CheckExpiry(ulong? expiresAtMs) => expiresAtMs <= Now()
        ? new Refusal(Fault.Theirs, "expiry_past", "The expiry lies in the past.")
        : null;

    private ulong Now() => (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
}
