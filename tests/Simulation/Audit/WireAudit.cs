using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Souk.Ledger;
using Souk.Protocol;
using Souk.Testbed;
using Souk.Wire;
using Souk.Wire.Paid;

namespace Souk.Simulation.Audit;

/// <summary>
/// Reads what passes between gateway and provider, and holds it against both disks: nothing may be told to the other
/// side before it is durable on one's own.
/// </summary>
internal sealed class WireAudit(Auditor auditor, Uri provider) : IWireWitness
{
    private static readonly byte[] Ids = "\"token_ids\":["u8.ToArray();
    private static readonly byte[] ReceiptComment = ": souk-receipt "u8.ToArray();
    private readonly Dictionary<(string Channel, string Index), string> _indices = [];
    private readonly Dictionary<RequestId, ulong> _sent = [];
    private readonly Dictionary<string, string> _receipts = [];
    private readonly ConditionalWeakTable<byte[], string> _bodies = [];

    /// <summary>Ids that the provider has sent of a request so far.</summary>
    public ulong IdsSent(RequestId request) => _sent.GetValueOrDefault(request);

    /// <summary>The request whose body this is.</summary>
    public RequestId? RequestOf(ReadOnlyMemory<byte> body) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(body, out var segment) && segment.Array is { } array
            && _bodies.TryGetValue(array, out var id) && RequestId.TryParse(id, out var request)
            ? request
            : null;

    public void Sent(Uri endpoint, WireRequest request)
    {
        if (endpoint.Authority != provider.Authority)
        {
            return;
        }

        if (request.Headers[SoukHeaders.Voucher] is { } voucher)
        {
            var parts = voucher.Split(';');
            var id = request.Headers[SoukHeaders.RequestId]!;
            RequireIssued(parts[0], parts[1]);
            var key = (parts[0], request.Headers[SoukHeaders.Index]!);
            auditor.Require(
                _indices.TryAdd(key, id) || _indices[key] == id, "two requests left with one index of a channel");
        }
        else if (request.Method == "PUT")
        {
            using var raise = JsonDocument.Parse(request.Body);
            RequireIssued(
                raise.RootElement.GetProperty("channel_id").GetString()!,
                raise.RootElement.GetProperty("max_claimable").GetString()!);
        }
    }

    public void Arrived(Uri endpoint, WireRequest request)
    {
        if (endpoint.Authority == provider.Authority && request.Headers[SoukHeaders.RequestId] is { } id
            && System.Runtime.InteropServices.MemoryMarshal.TryGetArray(request.Body, out var segment))
        {
            _bodies.AddOrUpdate(segment.Array!, id);
        }
    }

    public void Answered(Uri endpoint, WireRequest request, int status, WireHeaders headers)
    {
        if (endpoint.Authority != provider.Authority)
        {
            return;
        }

        if (headers[SoukHeaders.Receipt] is { } receipt)
        {
            See(receipt);
        }

        if (headers[SoukHeaders.ProviderNonce] is { } nonce)
        {
            auditor.Require(
                auditor.Provider.HasNonce(Bytes32.Parse(nonce)), "a nonce was opened before it was on the disk");
        }
    }

    public void Wrote(Uri endpoint, WireRequest request, ReadOnlyMemory<byte> piece)
    {
        if (endpoint.Authority != provider.Authority || request.Headers[SoukHeaders.RequestId] is not { } id)
        {
            return;
        }

        if (piece.Span.StartsWith(ReceiptComment))
        {
            See(Encoding.ASCII.GetString(piece.Span[ReceiptComment.Length..]).TrimEnd('\n'));
            return;
        }

        var rest = piece.Span;
        var count = 0UL;
        for (var at = rest.IndexOf(Ids); at >= 0; at = rest.IndexOf(Ids))
        {
            rest = rest[(at + Ids.Length)..];
            var end = rest.IndexOf((byte)']');
            count += end == 0 ? 0 : 1 + (ulong)rest[..end].Count((byte)',');
        }

        if (count > 0)
        {
            var request128 = RequestId.Parse(id);
            auditor.Require(
                auditor.Provider.Requests.ContainsKey(request128),
                "tokens left before their request was on the provider's disk");
            _sent[request128] = _sent.GetValueOrDefault(request128) + count;
        }
    }

    public void Failed(Uri endpoint, WireRequest request, Exception failure) => auditor.Require(
        failure is LedgerException or IOException or OperationCanceledException,
        $"{request.Method} {endpoint.Authority}{request.Path} threw {failure}");

    private void RequireIssued(string channel, string ceiling) => auditor.Require(
        auditor.Customer.Has(Bytes32.Parse(channel), Amount.Parse(ceiling).Units),
        "a voucher left before it was on the gateway's disk");

    private void See(string text)
    {
        var signed = ReceiptText.FromHeader(text).Value;
        auditor.Require(
            auditor.Provider.Has(signed.Signature), "a receipt left before it was on the provider's disk");
        var id = signed.Message.RequestId.ToString();
        auditor.Require(
            _receipts.TryAdd(id, text) || _receipts[id] == text, "two receipts were told for one request");
    }
}
