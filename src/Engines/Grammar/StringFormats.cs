namespace Souk.Engines.Grammar;

/// <summary>The formats of strings that OpenAI documents, and "uri", as patterns. Each is at most as wide as its
/// specification: what is left out (years before 1, IPv4 inside IPv6, quoted mailboxes) nobody asks a model for.
/// </summary>
internal static class StringFormats
{
    private const string Octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    private const string Label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private const string Host = "(" + Label + @")(\.(" + Label + ")){0,8}";

    // RFC 3339: days follow months, and 29 February its leap years.
    private const string Year = "([0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)";
    private const string LeapYear =
        "([0-9]{2}(0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)";

    private const string Date =
        "(" + Year + "-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
        + "|02-(0[1-9]|1[0-9]|2[0-8]))|" + LeapYear + "-02-29)";

    private const string Clock = @"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?";
    private const string Zone = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])";

    // RFC 3339, appendix A: no unit may be left out between two others.
    private const string Count = "[0-9]{1,6}";
    private const string Time =
        "T(" + Count + "H(" + Count + "M(" + Count + "S)?)?|" + Count + "M(" + Count + "S)?|" + Count + "S)";

    private const string Days = "(" + Count + "D|" + Count + "M(" + Count + "D)?|" + Count + "Y(" + Count + "M("
        + Count + "D)?)?)";

    private const string Mailbox = @"[A-Za-z0-9_+-]{1,32}(\.[A-Za-z0-9_+-]{1,16}){0,1}";

    /// <summary>The pattern of a format, which matches whole texts; null where the format is not known.</summary>
    public static string? PatternOf(string format) => format switch
    {
        "date" => $"^{Date}$",
        "time" => $"^{Clock}{Zone}$",
        "date-time" => $"^{Date}T{Clock}{Zone}$",
        "duration" => $"^P({Days}({Time})?|{Time}|{Count}W)$",
        "email" => $@"^{Mailbox}@({Label})(\.({Label})){{1,3}}$",
        "hostname" => $"^{Host}$",
        "ipv4" => $@"^{Octet}(\.{Octet}){{3}}$",
        "ipv6" => $"^({string.Join('|', Ipv6())})$",
        "uuid" => "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        "uri" => $"^https?://{Host}(:[1-9][0-9]{{1,3}})?(/[A-Za-z0-9._~-]{{0,64}}){{0,8}}$",
        _ => null,
    };

    /// <summary>The greatest length that a format's specification sets, or none.</summary>
    public static int MostCharacters(string format) => format == "hostname" ? 253 : int.MaxValue;

    // Eight groups, or fewer around one "::".
    private static IEnumerable<string> Ipv6()
    {
        const string group = "[0-9a-fA-F]{1,4}";
        yield return $"({group}:){{7}}{group}";
        for (int before = 0; before <= 6; before++)
        {
            string left = before == 0 ? "" : $"{group}(:{group}){{{before - 1}}}";
            int after = 6 - before;
            string right = after == 0 ? "" : $"({group}(:{group}){{0,{after - 1}}})?";
            yield return $"{left}::{right}";
        }
    }
}
