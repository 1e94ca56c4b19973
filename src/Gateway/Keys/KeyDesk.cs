using System.Text;
using Souk.Ledger.Books;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Market.Budgets;
using Souk.Protocol;

namespace Souk.Gateway.Keys;

/// <summary>A new API key; <paramref name="Secret"/> is shown once and kept nowhere.</summary>
public sealed record NewApiKey(Bytes32 Hash, string Secret);

/// <summary>Makes, finds and revokes API keys. Only hashes are kept: 32 random bytes need no slow hash.</summary>
internal sealed class KeyDesk(Journal<CustomerBook> journal, TimeProvider time, Randomness randomness)
{
    private const string Prefix = "sk-souk-";
    private const int MostNameCharacters = 64;
    private const int MostKeyCharacters = 256;

    /// <summary>The account behind an Authorization header, if it may be used now.</summary>
    public Result<ApiKeyAccount> Authorise(string? authorization)
    {
        const string Bearer = "Bearer ";
        if (authorization is null || !authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            || authorization.Length > MostKeyCharacters)
        {
            return new Refusal(
                Fault.Theirs, "invalid_api_key", "There is no API key; send it as 'Authorization: Bearer KEY'.");
        }

        var account = journal.Book.ApiKeys.GetValueOrDefault(HashOf(authorization[Bearer.Length..].Trim()));
        var standing = account is null ? null : Chat.CallDesk.Standing(account);
        return ApiKeyRules.CheckUse(standing, (ulong)time.GetUtcNow().ToUnixTimeSeconds()) is { } refusal
            ? refusal
            : account!;
    }

    /// <summary>Makes a key. The expiry is in Unix milliseconds.</summary>
    public async Task<Result<NewApiKey>> CreateAsync(string name, Amount budget, ulong? expiresAtMs)
    {
        if (name.Length is 0 or > MostNameCharacters || name.Any(char.IsControl))
        {
            return new Refusal(Fault.Theirs, "name_unfit",
                $"A key's name has 1 to {MostNameCharacters} printable characters.");
        }

        var now = (ulong)time.GetUtcNow().ToUnixTimeMilliseconds();
        if (expiresAtMs <= now)
        {
            return new Refusal(Fault.Theirs, "expiry_past", "The expiry lies in the past.");
        }

        var bytes = new byte[32];
        randomness.Fill(bytes);
        var secret = Prefix + Convert.ToHexStringLower(bytes);
        var hash = HashOf(secret);
        await journal.RecordAsync(new ApiKeyCreated(hash, name, budget, expiresAtMs, now));
        return new NewApiKey(hash, secret);
    }

    /// <summary>Revokes a key at once; what it has reserved is still charged or released.</summary>
    public Task<Refusal?> RevokeAsync(Bytes32 hash) => journal.RecordAsync(book =>
        book.ApiKeys.GetValueOrDefault(hash) switch
        {
            null => new Refusal(Fault.Theirs, "key_unknown", "There is no API key with that hash."),
            { IsRevoked: true } => Array.Empty<LedgerEvent>(),
            _ => new LedgerEvent[] { new ApiKeyRevoked(hash, (ulong)time.GetUtcNow().ToUnixTimeMilliseconds()) },
        });

    /// <summary>How a key is kept.</summary>
    public static Bytes32 HashOf(string secret) => Sha.Hash(Encoding.UTF8.GetBytes(secret));
}
