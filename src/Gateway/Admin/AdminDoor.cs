using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Admin;

/// <summary>
/// The owner's door, on its own port: API keys and what they used, deposits, channels, receipts. It asks for the
/// owner's token, and refuses foreign Host names and any Origin, so that no web page can use a browser on this machine
/// to get in.
/// </summary>
internal sealed class AdminDoor(
    GatewayOptions options, KeyAdmin keys, UsageReport usage, AdminReports reports, AdminActions actions,
    Randomness randomness) : IWireHandler
{
    private const string KeysPath = "/admin/v1/keys";

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var headers = Door.Headers(randomness.NextRequestId());
        if (Forbidden(request) is { } forbidden)
        {
            await Door.SendErrorAsync(response, forbidden, headers, aborted);
            return;
        }

        var answer = await AnswerAsync(request, aborted);
        if (answer.TryGet(out var json, out var refusal))
        {
            await response.SendJsonAsync(200, json, aborted, headers);
            return;
        }

        var error = refusal.Fault == Fault.Theirs
            ? new OpenAiError(
                refusal.Code.EndsWith("unknown", StringComparison.Ordinal) ? 404 : 400, ErrorTypes.InvalidRequest,
                refusal.Code, null, refusal.Message)
            : OpenAiError.Unavailable(refusal.Message, refusal.Code);
        await Door.SendErrorAsync(response, error, headers, aborted);
    }

    private OpenAiError? Forbidden(WireRequest request)
    {
        if (!options.AdminHosts.Contains(request.HostName, StringComparer.OrdinalIgnoreCase))
        {
            return OpenAiError.Forbidden("The admin API does not answer under this host name.", "host_refused");
        }

        if (request.Headers["origin"] is not null)
        {
            return OpenAiError.Forbidden("The admin API does not answer web pages.", "origin_refused");
        }

        const string Bearer = "Bearer ";
        var given = request.Headers["authorization"] ?? "";
        var token = given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? given[Bearer.Length..].Trim() : "";
        Span<byte> mine = stackalloc byte[Bytes32.Size];
        Span<byte> theirs = stackalloc byte[Bytes32.Size];
        (options.AdminTokenHash ?? Bytes32.Zero).CopyTo(mine);
        Sha.Hash(Encoding.UTF8.GetBytes(token)).CopyTo(theirs);
        return options.AdminTokenHash is not null && CryptographicOperations.FixedTimeEquals(mine, theirs)
            ? null
            : OpenAiError.Unauthorized("The owner's token is missing or wrong.", "invalid_token");
    }

    private async Task<Result<ReadOnlyMemory<byte>>> AnswerAsync(WireRequest request, CancellationToken cancellation)
    {
        switch (request.Method, request.Path)
        {
            case ("GET", "/admin/v1/status"):
                return await reports.StatusAsync(cancellation);
            case ("GET", "/admin/v1/channels"):
                return reports.Channels();
            case ("GET", "/admin/v1/deposit"):
                return await reports.DepositAsync(cancellation);
            case ("POST", "/admin/v1/deposits"):
                return await actions.DepositAsync(request.Body, cancellation);
            case ("GET", KeysPath):
                return keys.All();
            case ("POST", KeysPath):
                return await keys.CreateAsync(request.Body);
            case ("GET", AdminDocument.Path):
                return AdminDocument.Json;
            case ("GET", "/admin/v1/usage"):
                return usage.Of(request);
        }

        if (TryTail(request.Path, KeysPath + "/", out var hash) && Bytes32.TryParse(hash, out var key))
        {
            return request.Method switch
            {
                "GET" => keys.One(key),
                "PATCH" => await keys.ChangeAsync(key, request.Body),
                "DELETE" => await keys.RevokeAsync(key),
                _ => Nothing,
            };
        }

        if (request.Method == "GET" && TryTail(request.Path, "/admin/v1/requests/", out var name)
            && RequestId.TryParse(name.StartsWith("req_", StringComparison.Ordinal) ? name[4..]
                : name, out var appRequest))
        {
            return await reports.RequestAsync(appRequest, cancellation);
        }

        if (request.Method == "POST" && TryTail(request.Path, "/admin/v1/channels/", out var channel)
            && channel.EndsWith("/withdraw", StringComparison.Ordinal) && Bytes32.TryParse(channel[..^9], out var id))
        {
            return await actions.WithdrawAsync(id, cancellation);
        }

        return Nothing;
    }

    private static Refusal Nothing { get; } =
        new(Fault.Theirs, "path_unknown", "The admin API has nothing at this path and method.");

    private static bool TryTail(string path, string start, out string tail)
    {
        var fits = path.StartsWith(start, StringComparison.Ordinal);
        tail = fits ? path[start.Length..] : "";
        return fits;
    }
}

/// <summary>JSON of the admin API.</summary>
internal static class AdminJson
{
    /// <summary>An answer that says only that it was done.</summary>
    public static ReadOnlyMemory<byte> Ok { get; } = "{\"ok\":true}"u8.ToArray();

    /// <summary>Writes one object.</summary>
    public static ReadOnlyMemory<byte> Write(Action<Utf8JsonWriter> fields)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            fields(json);
            json.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>Reads a small object; a refusal says what is wrong with it.</summary>
    public static Result<T> Read<T>(ReadOnlyMemory<byte> body, Func<JsonElement, Result<T>> read)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 4 });
            return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement) : Malformed();
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException or FormatException
            or KeyNotFoundException)
        {
            return Malformed();
        }

        static Refusal Malformed() =>
            new(Fault.Theirs, "body_malformed", "The body is no JSON object with the fields that this call takes.");
    }
}
