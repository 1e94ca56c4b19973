using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Chain.Rpc;

/// <summary>
/// One method call. The parameters are already JSON, so that a retry sends the same bytes; a result that is none of
/// the method's is the node's failure, and another node is asked.
/// </summary>
internal sealed record RpcCall(string Method, string Parameters, Predicate<JsonElement> IsAnswer)
{
    public static RpcCall Of(string method, Predicate<JsonElement> isAnswer, params JsonNode?[] parameters) =>
        new(method, new JsonArray(parameters).ToJsonString(), isAnswer);

    /// <summary>A call that returns a number of at most 64 bits.</summary>
    public static RpcCall OfNumber(string method, params JsonNode?[] parameters) =>
        Of(method, static result => RpcValues.Quantity64(result) is not null, parameters);

    /// <summary>A call that returns bytes.</summary>
    public static RpcCall OfBytes(string method, params JsonNode?[] parameters) =>
        Of(method, static result => RpcReplies.Hex(result) is not null, parameters);
}

/// <summary>What became of one call: a result, or the node's error.</summary>
internal readonly record struct RpcReply(JsonElement Result, RpcError? Error);
