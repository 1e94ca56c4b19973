namespace Souk.OpenAi.Errors;

/// <summary>OpenAI's words for classes of errors.</summary>
public static class ErrorTypes
{
    public const string InvalidRequest = "invalid_request_error";
    public const string Authentication = "authentication_error";
    public const string InsufficientQuota = "insufficient_quota";
    public const string Permission = "permission_error";
    public const string Timeout = "timeout_error";
    public const string Conflict = "conflict_error";
    public const string RateLimit = "rate_limit_error";
    public const string Server = "server_error";
    public const string Unavailable = "service_unavailable_error";

    /// <summary>The class that fits an HTTP status when the server named none.</summary>
    public static string ForStatus(int status) => status switch
    {
        401 => Authentication,
        402 => InsufficientQuota,
        403 => Permission,
        408 or 504 => Timeout,
        409 => Conflict,
        429 => RateLimit,
        503 => Unavailable,
        >= 500 => Server,
        _ => InvalidRequest,
    };
}
