using System.Text.Json;
using System.Text.Json.Nodes;

namespace Souk.Chain.Rpc;

/// <summary>One method call; the parameters are already JSON, so that a retry sends the same bytes.</summary>
internal sealed record RpcCall(string Method, string Parameters)
{
    public static RpcCall Of(string method, params JsonNode?[] parameters) =>
        new(method, new JsonArray(parameters).ToJsonString());
}

/// <summary>What became of one call: a result, or the node's error.</summary>
internal readonly record struct RpcReply(JsonElement Result, RpcError? Error);
