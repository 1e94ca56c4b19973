using Souk.Protocol;
using Souk.Wire;

namespace Souk.Gateway.X402;

/// <summary>
/// A plain x402 server that sells chat completions, as the gateway's owner names it. It is paid through a channel of
/// the vault, which the owner has to allow by listing the server's receiver.
/// </summary>
public sealed record X402Seller
{
    /// <summary>How every name of such a model begins.</summary>
    public const string Prefix = "x402/";

    private const int MostModelCharacters = 128;
    private const string Completions = "/chat/completions";

    private X402Seller(string model, PeerTarget target, string path, Amount most) =>
        (Model, Target, Path, MostPerRequest) = (model, target, path, most);

    /// <summary>The model as the server knows it.</summary>
    public string Model { get; }

    /// <summary>The model as apps of the gateway know it.</summary>
    public string Name => Prefix + Model;

    /// <summary>Where the server is.</summary>
    public PeerTarget Target { get; }

    /// <summary>Where it takes chat completions.</summary>
    public string Path { get; }

    /// <summary>The most that one request may cost, in smallest units; a dearer server is not paid.</summary>
    public Amount MostPerRequest { get; }

    /// <summary>The server's base URL, which its channels belong to.</summary>
    public string Url => Target.Endpoint.GetLeftPart(UriPartial.Authority) + Path[..^Completions.Length];

    /// <summary>Reads a seller.</summary>
    /// <param name="model">The model as the server knows it.</param>
    /// <param name="baseUrl">What an OpenAI client would take as its base URL: https, or http on loopback.</param>
    /// <param name="mostPerRequest">In smallest units.</param>
    public static Result<X402Seller> Create(string model, string baseUrl, Amount mostPerRequest)
    {
        if (model.Length is 0 or > MostModelCharacters || model.Any(char.IsControl))
        {
            return Bad($"The model's name has 1 to {MostModelCharacters} printable characters.");
        }

        if (mostPerRequest.IsZero)
        {
            return Bad("A server that may cost nothing sells nothing; say what one request may cost.");
        }

        if (!Uri.TryCreate(baseUrl, UriKind.Absolute, out var url) || url.Query.Length > 0 || url.Fragment.Length > 0)
        {
            return Bad($"'{baseUrl}' is no base URL, such as https://seller.example/v1.");
        }

        return PeerTarget.ParseWeb(url.GetLeftPart(UriPartial.Authority)).TryGet(out var target, out var refusal)
            && url.UserInfo.Length == 0
            ? new X402Seller(model, target, url.AbsolutePath.TrimEnd('/') + Completions, mostPerRequest)
            : refusal ?? Bad("A base URL holds no user.");
    }

    private static Refusal Bad(string message) => new(Fault.Theirs, "x402_seller", message);
}
