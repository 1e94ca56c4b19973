using Souk.Protocol;

namespace Souk.Wire;

/// <summary>A transport failure and whose fault it is. <see cref="Code"/> is one of <see cref="WireCodes"/>.</summary>
public sealed class WireException : IOException
{
    public WireException(Fault fault, string code, string message, Exception? inner = null)
        : base(message, inner) => (Fault, Code) = (fault, code);

    /// <summary>Whose fault the failure is.</summary>
    public Fault Fault { get; }

    /// <summary>A short stable word for programs.</summary>
    public string Code { get; }

    /// <summary>The same failure as a value.</summary>
    public Refusal ToRefusal() => new(Fault, Code, Message);
}

/// <summary>The codes of transport failures and of malformed messages.</summary>
public static class WireCodes
{
    public const string AddressRefused = "address_refused";
    public const string BadEndpoint = "bad_endpoint";
    public const string ConnectFailed = "connect_failed";
    public const string ConnectTimeout = "connect_timeout";
    public const string Disconnected = "disconnected";
    public const string HeadersTimeout = "headers_timeout";
    public const string IdleTimeout = "idle_timeout";
    public const string Malformed = "malformed";
    public const string NameNotResolved = "name_not_resolved";
    public const string PinMismatch = "pin_mismatch";
    public const string Redirected = "redirected";
    public const string TlsFailed = "tls_failed";
    public const string TooLarge = "too_large";
    public const string UnexpectedStatus = "unexpected_status";
}
