using Souk.Gateway.Chat;
using Souk.Gateway.Front;
using Souk.Gateway.Front.Idempotency;
using Souk.Gateway.Keys;
using Souk.Ledger.Customer;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway;

/// <summary>The front door: what apps reach.</summary>
internal sealed class FrontDoor : IWireHandler
{
    private const string Counting = "/v1/messages/count_tokens";
    private static readonly MessagesApi _messages = new();
    private static readonly IAppApi[] _apis =
        [new ChatApi(), new CompletionsApi(), new EmbeddingsApi(), new ResponsesApi(), _messages];

    private readonly KeyDesk _keys;
    private readonly Callers _callers;
    private readonly ChatDesk _chat;
    private readonly Cors _cors;
    private readonly ReplayDesk _replays;
    private readonly Func<Refusal?> _stalled;
    private readonly Randomness _randomness;
    private readonly Route[] _routes;
    private readonly (string Path, Func<Visit, CancellationToken, Task> AnswerAsync)[] _open;

    public FrontDoor(
        KeyDesk keys, Callers callers, ChatDesk chat, ModelDesk models, Readiness readiness, Cors cors,
        ReplayDesk replays, Func<Refusal?> stalled, Randomness randomness)
    {
        (_keys, _callers, _chat, _cors, _replays, _randomness) = (keys, callers, chat, cors, replays, randomness);
        _stalled = stalled;
        _routes =
        [
            .. _apis.Select(Paid),
            new("POST", Counting, (visit, caller, aborted) => _chat.CountAsync(visit, caller, _messages, aborted),
                _messages.Error),
            new("GET", "/v1/models", (visit, caller, aborted) =>
                visit.SendAsync(200, models.List(caller.Key.Limits.Models).ToJson(), aborted)),
            Model("/v1/models/{author}/{slug}/endpoints", name => models.Endpoints(name)?.ToJson()),
            Model("/v1/models/{model}", name => models.Find(name)?.ToJson()),
        ];
        var document = ApiDocument.For(_routes);
        // What needs no API key: it tells nothing of anyone, and those who ask have none.
        _open =
        [
            ("/health", static (visit, aborted) => visit.SendAsync(200, "{\"status\":\"ok\"}"u8.ToArray(), aborted)),
            ("/ready", (visit, aborted) => readiness.Look() is var (status, json)
                ? visit.SendAsync(status, json, aborted) : Task.CompletedTask),
            (ApiDocument.Path, (visit, aborted) => visit.SendAsync(200, document, aborted)),
        ];
    }

    /// <inheritdoc/>
    public async Task HandleAsync(WireRequest request, IWireResponse response, CancellationToken aborted)
    {
        var id = _randomness.NextRequestId();
        var answer = _cors.Open(request, request.Method == "HEAD" ? new HeadResponse(response) : response);
        var visit = new Visit(request, answer, id, Door.Headers(id));
        if (_cors.Preflight(request) is { } permission)
        {
            await answer.StartAsync(204, permission, aborted);
            return;
        }

        var open = Array.Find(_open, open => open.Path == request.Path).AnswerAsync;
        var route = open is null ? Array.Find(_routes, route => route.Takes(request.Path)) : null;
        if (open is null && route is null)
        {
            await FailAsync(visit, null, Unknown(request), aborted);
        }
        else if (!await IsRightMethodAsync(visit, route, aborted))
        {
            return;
        }
        else if (open is not null)
        {
            await open(visit, aborted);
        }
        else if (!_keys.Authorise(Door.Credential(request)).TryGet(out var account, out var refusal))
        {
            await FailAsync(visit, route, AppErrors.From(refusal), aborted);
        }
        else
        {
            await AnswerAsync(route!, visit, account, aborted);
        }
    }

    private Task AnswerAsync(Route route, Visit visit, ApiKeyAccount account, CancellationToken aborted) =>
        route.Method != "POST" || visit.Request.Headers[ReplayDesk.Header] is null
            ? EnterAsync(route, visit, account, null, aborted)
            : _replays.AnswerAsync(
                KeyDesk.SecretOf(Door.Credential(visit.Request))!, account.KeyHash, visit,
                (response, name, stop) => EnterAsync(route, visit with { Response = response }, account, name, stop),
                error => FailAsync(visit, route, error, aborted), aborted);

    private async Task EnterAsync(
        Route route, Visit visit, ApiKeyAccount account, ReplayName? name, CancellationToken aborted)
    {
        using var caller = _callers.Enter(account, visit.Headers, aborted);
        caller.Name = name;
        // Looking around is free; whatever may lead to work counts, and before any is done.
        if (route.Method == "POST" && (_stalled() ?? caller.TakeRequest()) is { } limited)
        {
            await FailAsync(visit, route, AppErrors.From(limited), aborted);
            return;
        }

        try
        {
            await route.AnswerAsync(visit, caller, aborted);
        }
        catch (OperationCanceledException) when (caller.Revoked is not null && !aborted.IsCancellationRequested)
        {
            // It was still waiting for a channel, so nothing was told yet.
            await FailAsync(visit, route, AppErrors.From(caller.Revoked!), aborted);
        }
    }

    /// <summary>The body of a refusal before a request was read, in the words of the API that it was
    /// for.</summary>
    public static byte[] EarlyError(OpenAiError error, string path) =>
        Array.Find(_apis, api => api.Path == path || (api == _messages && path == Counting))?.Error(error, null)
            ?? error.ToJson();

    private Route Paid(IAppApi api) =>
        new("POST", api.Path, (visit, caller, aborted) => _chat.HandleAsync(api, visit, caller, aborted), api.Error);

    private static Route Model(string path, Func<string, byte[]?> find)
    {
        Route route = null!;
        return route = new Route("GET", path, (visit, caller, aborted) =>
        {
            var name = route.Named(visit.Request.Path);
            var isAllowed = caller.Key.Limits.Models is not { } models || models.Contains(name, StringComparer.Ordinal);
            return isAllowed && find(name) is { } json
                ? visit.SendAsync(200, json, aborted)
                : FailAsync(visit, null, OpenAiError.ModelNotFound(Printable(name)), aborted).AsTask();
        });
    }

    // Whoever asks for another method is told which one there is: by OPTIONS as an answer, else as an error.
    private static async ValueTask<bool> IsRightMethodAsync(Visit visit, Route? route, CancellationToken aborted)
    {
        var (method, asked) = (route?.Method ?? "GET", visit.Request.Method);
        if (asked == method || (asked == "HEAD" && method == "GET"))
        {
            return true;
        }

        visit.Headers["allow"] = method == "GET" ? "GET, HEAD, OPTIONS" : method + ", OPTIONS";
        if (asked == "OPTIONS")
        {
            await visit.Response.StartAsync(204, visit.Headers, aborted);
            return false;
        }

        await FailAsync(visit, route, new OpenAiError(
            405, ErrorTypes.InvalidRequest, "method_not_allowed", null,
            $"Not allowed to {asked} on {Printable(visit.Request.Path)}; try {method}."), aborted);
        return false;
    }

    private static ValueTask FailAsync(Visit visit, Route? route, OpenAiError error, CancellationToken aborted) =>
        Door.SendErrorAsync(visit.Response, error, visit.Headers, aborted, route?.Error?.Invoke(error, visit.Id));

    private OpenAiError Unknown(WireRequest request) => new(
        404, ErrorTypes.InvalidRequest, "unknown_url", null,
        $"Unknown request URL: {request.Method} {Printable(request.Path)}. This gateway serves "
            + string.Join(", ", _routes.Select(route => $"{route.Method} {route.Path}"))
            + $"; {ApiDocument.Path} describes them.");

    private static string Printable(string path) => path.Length <= 128 ? path : path[..128];
}
