using System.Text.Json;
using Souk.Gateway.Keys;
using Souk.Ledger.Customer;
using Souk.Ledger.Rows;
using Souk.Protocol;

namespace Souk.Gateway.Admin;

/// <summary>
/// An API key's settings in the admin API's JSON. Every member may be left out, which leaves it as it is, and null
/// lifts a limit. An unknown member is refused: a limit that was misspelt would be one that is not there.
/// </summary>
internal sealed class KeyFields(int decimals, ulong nowMs)
{
    /// <summary>The settings that an object asks for, as a change of those of the moment.</summary>
    public Result<Func<KeySettings, KeySettings>> Read(JsonElement root)
    {
        Func<KeySettings, KeySettings> change = static settings => settings;
        foreach (var field in root.EnumerateObject())
        {
            if (!One(field.Name, field.Value).TryGet(out var next, out var refusal))
            {
                return refusal;
            }

            var before = change;
            change = settings => next(before(settings));
        }

        return change;
    }

    /// <summary>Writes a key with its use.</summary>
    public void Write(Utf8JsonWriter json, ApiKeyAccount key)
    {
        var today = UtcDay.Of(nowMs);
        json.WriteString("hash", key.KeyHash.ToString());
        json.WriteString("name", key.Name);
        json.WriteString("budget", Text(key.Budget));
        json.WriteString("spent", Text(key.Spent));
        json.WriteString("reserved", Text(key.Reserved));
        json.WriteString("available", Text(key.AvailableOn(today)));
        json.WriteString("budget_per_day", Text(key.Limits.BudgetPerDay));
        json.WriteString("spent_today", Text(key.SpentOn(today)));
        Write(json, "requests_per_minute", key.Limits.RequestsPerMinute);
        Write(json, "tokens_per_minute", key.Limits.TokensPerMinute);
        json.WritePropertyName("models");
        JsonSerializer.Serialize(json, key.Limits.Models);
        json.WriteString("max_input_price", Text(key.Limits.MostInputPrice));
        json.WriteString("max_output_price", Text(key.Limits.MostOutputPrice));
        json.WriteBoolean("keep_replies", !key.Limits.DropsReplies);
        json.WriteBoolean("revoked", key.IsRevoked);
        Write(json, "created_at", key.CreatedAtMs / 1000);
        Write(json, "last_used_at", key.LastUsedAtMs / 1000);
        Write(json, "expires_at", key.ExpiresAtMs / 1000);
    }

    private Result<Func<KeySettings, KeySettings>> One(string name, JsonElement value) => name switch
    {
        "name" => value.GetString() is { } text ? Set(settings => settings with { Name = text }) : Unfit(name),
        "budget" => Money(name, value, (settings, amount) => amount is { } budget
            ? settings with { Budget = budget }
            : settings),
        "expires_in_seconds" => Number(name, value, (settings, life) =>
            settings with { ExpiresAtMs = life is { } seconds ? nowMs + (seconds * 1000UL) : null }),
        "budget_per_day" => Money(name, value, (settings, amount) =>
            With(settings, limits => limits with { BudgetPerDay = amount })),
        "max_input_price" => Money(name, value, (settings, amount) =>
            With(settings, limits => limits with { MostInputPrice = amount })),
        "max_output_price" => Money(name, value, (settings, amount) =>
            With(settings, limits => limits with { MostOutputPrice = amount })),
        "requests_per_minute" => Number(name, value, (settings, rate) =>
            With(settings, limits => limits with { RequestsPerMinute = rate })),
        "tokens_per_minute" => Number(name, value, (settings, rate) =>
            With(settings, limits => limits with { TokensPerMinute = rate })),
        "models" => Models(value),
        "keep_replies" => value.ValueKind switch
        {
            JsonValueKind.True or JsonValueKind.Null => KeepReplies(true),
            JsonValueKind.False => KeepReplies(false),
            _ => new Refusal(Fault.Theirs, name + "_unfit", $"{name} is true or false."),
        },
        _ => new Refusal(Fault.Theirs, "member_unfit", $"An API key has no member '{Printable(name)}'."),
    };

    private static Result<Func<KeySettings, KeySettings>> Models(JsonElement value)
    {
        string[]? models = value.ValueKind == JsonValueKind.Null
            ? null
            : [.. value.EnumerateArray().Select(model => model.GetString() ?? "").Distinct(StringComparer.Ordinal)];
        return Set(settings => With(settings, limits => limits with { Models = models }));
    }

    private Result<Func<KeySettings, KeySettings>> Money(
        string name, JsonElement value, Func<KeySettings, Amount?, KeySettings> set)
    {
        if (value.ValueKind == JsonValueKind.Null && name != "budget")
        {
            return Set(settings => set(settings, null));
        }

        return value.ValueKind == JsonValueKind.String
            && Amount.TryFromDecimal(value.GetString()!, decimals, out var amount)
            ? Set(settings => set(settings, amount))
            : new Refusal(
                Fault.Theirs, name + "_unfit",
                $"{name} is a decimal string of the whole currency with at most {decimals} places, such as \"5.00\".");
    }

    private static Result<Func<KeySettings, KeySettings>> Number(
        string name, JsonElement value, Func<KeySettings, uint?, KeySettings> set)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return Set(settings => set(settings, null));
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetUInt32(out var number) && number > 0
            ? Set(settings => set(settings, number))
            : Unfit(name);
    }

    private static Result<Func<KeySettings, KeySettings>> KeepReplies(bool keeps) =>
        Set(settings => With(settings, limits => limits with { DropsReplies = !keeps }));

    private static KeySettings With(KeySettings settings, Func<KeyLimits, KeyLimits> change) =>
        settings with { Limits = change(settings.Limits) };

    private static Result<Func<KeySettings, KeySettings>> Set(Func<KeySettings, KeySettings> change) => change;

    private static Refusal Unfit(string name) => new(
        Fault.Theirs, name + "_unfit", name == "name"
            ? "name is a text."
            : $"{name} is a whole number from 1 to {uint.MaxValue}, or null for none.");

    private static void Write(Utf8JsonWriter json, string name, ulong? number)
    {
        json.WritePropertyName(name);
        JsonSerializer.Serialize(json, number);
    }

    private static string Printable(string name) =>
        new([.. name.Take(32).Select(letter => char.IsControl(letter) ? '?' : letter)]);

    private string? Text(Amount? amount) => amount?.ToDecimal(decimals);
}
