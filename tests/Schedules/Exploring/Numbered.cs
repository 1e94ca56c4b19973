using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Souk.Protocol;

namespace Souk.Schedules.Exploring;

/// <summary>Names and figures of scenarios.</summary>
internal static class Numbered
{
    public static RequestId Request(int number) =>
        RequestId.Parse(number.ToString("x32", CultureInfo.InvariantCulture));

    /// <summary>An amount out of a row's text.</summary>
    public static BigInteger Units(JsonElement from, string name) =>
        BigInteger.Parse(from.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);
}
