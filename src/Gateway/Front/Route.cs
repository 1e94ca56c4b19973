using Souk.Gateway.Keys;
using Souk.OpenAi.Errors;
using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.Front;

/// <summary>A request of an app with its id, which the reply's headers already carry.</summary>
internal sealed record Visit(WireRequest Request, IWireResponse Response, RequestId Id, WireHeaders Headers)
{
    /// <summary>Sends a whole JSON body.</summary>
    public Task SendAsync(int status, ReadOnlyMemory<byte> json, CancellationToken cancellation) =>
        Response.SendJsonAsync(status, json, cancellation, Headers).AsTask();
}

/// <summary>One row of the front door's table.</summary>
/// <param name="Method">The one method that it takes; GET takes HEAD as well.</param>
/// <param name="Path">The path; from the first brace to the last it stands for any text.</param>
/// <param name="AnswerAsync">Answers a visit that has a good API key.</param>
/// <param name="Error">The body of an error that is found before that; null for OpenAI's.</param>
internal sealed record Route(
    string Method, string Path, Func<Visit, Caller, CancellationToken, Task> AnswerAsync,
    Func<OpenAiError, RequestId?, byte[]>? Error = null)
{
    private readonly string _before = Path.IndexOf('{', StringComparison.Ordinal) is >= 0 and var from
        ? Path[..from] : Path;

    private readonly string? _after = Path.LastIndexOf('}') is >= 0 and var to ? Path[(to + 1)..] : null;

    /// <summary>Whether a request's path is this one.</summary>
    public bool Takes(string path) => _after is null
        ? path == Path
        : path.Length > _before.Length + _after.Length && path.StartsWith(_before, StringComparison.Ordinal)
            && path.EndsWith(_after, StringComparison.Ordinal);

    /// <summary>The text that a request's path has in place of the braces, unescaped.</summary>
    public string Named(string path) => Uri.UnescapeDataString(path[_before.Length..^(_after?.Length ?? 0)]);
}
