namespace Souk.Chain.Rpc;

/// <summary>
/// Several nodes of one chain as one. Calls go to the first node that is well; what it cannot answer goes to the next,
/// and after all have failed, round again after a pause. A node that failed is benched for a while, a node of another
/// chain for good.
/// </summary>
internal sealed class RpcPool : IDisposable
{
    private readonly List<Member> _members;
    private readonly ulong? _chainId;
    private readonly RpcOptions _options;
    private readonly TimeProvider _time;

    public RpcPool(IReadOnlyList<Uri> urls, ulong? chainId, RpcOptions options, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfZero(urls.Count);
        _chainId = chainId;
        _options = options;
        _time = time;
        _members = [.. urls.Select(url => new Member(new RpcEndpoint(url, options, time)))];
    }

    private sealed class Member(RpcEndpoint endpoint)
    {
        public RpcEndpoint Endpoint { get; } = endpoint;

        public DateTimeOffset BenchedUntil { get; set; }

        public bool IsOfThisChain { get; set; }

        public bool IsOfOtherChain { get; set; }

        public bool TakesBatches { get; set; } = true;

        public string LastFailure { get; set; } = "not asked";
    }

    /// <summary>How many nodes there are.</summary>
    public int Count => _members.Count;

    /// <summary>
    /// The results in the order of the calls. A revert or a refusal is an answer and comes back as the reply's error.
    /// </summary>
    /// <exception cref="RpcUnavailableException">Some call got no usable answer from any node.</exception>
    public async Task<RpcReply[]> SendAsync(IReadOnlyList<RpcCall> calls, CancellationToken cancellation)
    {
        var answers = new RpcReply?[calls.Count];
        for (var round = 0; round < _options.Rounds; round++)
        {
            if (round > 0)
            {
                await Task.Delay(_options.FirstPause * (1 << Math.Min(round - 1, 6)), _time, cancellation);
            }

            foreach (var member in InOrder())
            {
                await TryAsync(member, calls, answers, cancellation);
                if (answers.All(answer => answer is not null))
                {
                    return [.. answers.Select(answer => answer!.Value)];
                }
            }
        }

        var failures = _members.Select(member => $"{member.Endpoint.Name}: {member.LastFailure}");
        throw new RpcUnavailableException(
            $"No node answered {calls[0].Method}. {string.Join("; ", failures)}.");
    }

    /// <summary>The same calls to every node that answers, for telling which one is behind.</summary>
    public async Task<IReadOnlyList<(int Node, RpcReply[] Replies)>> SendToAllAsync(
        IReadOnlyList<RpcCall> calls, CancellationToken cancellation)
    {
        var all = new List<(int, RpcReply[])>();
        for (var i = 0; i < _members.Count; i++)
        {
            var answers = new RpcReply?[calls.Count];
            if (!_members[i].IsOfOtherChain)
            {
                await TryAsync(_members[i], calls, answers, cancellation);
                if (answers.All(answer => answer is not null))
                {
                    all.Add((i, [.. answers.Select(answer => answer!.Value)]));
                }
            }
        }

        return all;
    }

    /// <summary>Asks this node only after the others for a while.</summary>
    public void Bench(int node, string reason) => Bench(_members[node], reason);

    public void Dispose() => _members.ForEach(member => member.Endpoint.Dispose());

    private List<Member> InOrder()
    {
        var now = _time.GetUtcNow();
        var usable = _members.Where(member => !member.IsOfOtherChain).ToList();
        return [.. usable.Where(m => m.BenchedUntil <= now), .. usable.Where(m => m.BenchedUntil > now)];
    }

    private void Bench(Member member, string reason)
    {
        member.LastFailure = reason;
        member.BenchedUntil = _time.GetUtcNow() + _options.Bench;
    }

    // Fills what is still missing in answers; what this node cannot answer stays missing.
    private async Task TryAsync(
        Member member, IReadOnlyList<RpcCall> calls, RpcReply?[] answers, CancellationToken cancellation)
    {
        try
        {
            await RequireChainAsync(member, cancellation);
            var missing = Enumerable.Range(0, calls.Count).Where(i => answers[i] is null).ToList();
            while (missing.Count > 0)
            {
                var part = missing.Take(member.TakesBatches ? _options.MaxBatch : 1).ToList();
                var replies = await AskAsync(member, [.. part.Select(i => calls[i])], cancellation);
                if (replies is null)
                {
                    continue;
                }

                missing.RemoveRange(0, part.Count);
                for (var i = 0; i < part.Count; i++)
                {
                    var call = calls[part[i]];
                    if (replies[i].Error is { Kind: RpcErrorKind.Node } error)
                    {
                        Bench(member, $"{call.Method}: {error.Short}");
                    }
                    else if (replies[i].Error is null && !call.IsAnswer(replies[i].Result))
                    {
                        Bench(member, $"{call.Method}: the result is not what the method returns");
                    }
                    else
                    {
                        answers[part[i]] = replies[i];
                    }
                }
            }
        }
        catch (NodeException failure)
        {
            Bench(member, failure.Message);
        }
    }

    // Null if the node turned out to take no batches: ask again, one by one.
    private static async Task<RpcReply[]?> AskAsync(
        Member member, IReadOnlyList<RpcCall> calls, CancellationToken cancellation)
    {
        var body = await member.Endpoint.SendAsync(RpcReplies.Request(calls), cancellation);
        try
        {
            var replies = RpcReplies.Parse(body, calls.Count, out var batchError);
            if (batchError is null)
            {
                return replies;
            }

            if (batchError.Kind == RpcErrorKind.Node && batchError.Code != -32601)
            {
                throw new NodeException(batchError.Short);
            }

            member.TakesBatches = false;
            return null;
        }
        catch (RpcFormatException failure)
        {
            throw new NodeException(failure.Message, failure);
        }
    }

    // A URL of another chain would make every read a lie, so it is asked for its chain id before anything else.
    private async Task RequireChainAsync(Member member, CancellationToken cancellation)
    {
        if (member.IsOfThisChain)
        {
            return;
        }

        var replies = await AskAsync(member, [RpcCall.OfNumber("eth_chainId")], cancellation);
        if (replies![0].Error is { } error)
        {
            throw new NodeException($"eth_chainId: {error.Short}");
        }

        if (RpcValues.Quantity(replies[0].Result) is not { } id)
        {
            throw new NodeException("eth_chainId: the reply is no number");
        }

        if (_chainId is not null && id != _chainId)
        {
            member.IsOfOtherChain = true;
            throw new NodeException($"it serves chain {id}");
        }

        member.IsOfThisChain = true;
    }
}
