using System.Text.Json;
using Souk.Wire.Paid;

namespace Souk.Wire.X402;

/// <summary>Forms that recur in messages of x402.</summary>
internal static class X402Fields
{
    public static void RequireVersion(this JsonFields fields)
    {
        if (fields.Number("x402Version") != X402Header.Version)
        {
            fields.Fail("x402Version");
        }
    }

    /// <summary>Seconds that fit the channel's configuration; what the escrow allows is judged elsewhere.</summary>
    public static uint Delay(this JsonFields fields, string name)
    {
        var delay = fields.Number(name);
        if (delay <= uint.MaxValue)
        {
            return (uint)delay;
        }

        fields.Fail(name);
        return 0;
    }

    /// <summary>Whether a text is absent or empty, as x402 says "none" in both ways.</summary>
    public static bool IsEmpty(this JsonFields fields, string name) => !fields.Has(name) || fields.Is(name, "");

    public static void WriteOptional(this Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    public static void WriteExtensions(this Utf8JsonWriter json, string? extensions)
    {
        if (extensions is not null)
        {
            json.WritePropertyName("extensions");
            json.WriteRawValue(extensions);
        }
    }
}
