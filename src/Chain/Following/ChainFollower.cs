using Souk.Chain.Rpc;

namespace Souk.Chain.Following;

/// <summary>The chain moved.</summary>
/// <param name="Newest">The newest block.</param>
/// <param name="IsReset">Blocks were replaced or skipped, or this is the first look: logs alone do not tell all.
/// </param>
/// <param name="Logs">Logs of new blocks, and once more those of blocks that are now confirmed.</param>
internal sealed record ChainAdvance(Head Newest, bool IsReset, IReadOnlyList<EvmLog> Logs);

/// <summary>
/// Follows the chain block by block. Logs are asked for by block hash, so that a reorganisation between two questions
/// cannot mix two histories; a block whose parent is not the one known before means that history was replaced.
/// </summary>
internal sealed class ChainFollower(
    RpcChain chain, IReadOnlyList<EvmLogFilter> filters, int confirmations, TimeSpan pollInterval)
{
    /// <summary>More new blocks than this are skipped, with a reset: reading the state anew is cheaper.</summary>
    public const int WidestGap = 128;

    // Reorganisations deeper than this restart the following, with a reset.
    private const int Remembered = 64;

    // A block whose logs cannot be had, say because there are too many, must not stop the following for ever.
    private const int FailuresBeforeSkipping = 5;

    // A node this far behind may be a stuck one, or the chain was restarted: only insisting tells.
    private const int LooksBeforeGoingBack = 5;

    private List<Seen> _seen = [];
    private int _failures;
    private int _looksBack;
    private bool _hasStarted;
    private bool _hasNewest;

    private sealed class Seen(Head head, IReadOnlyList<EvmLog> logs)
    {
        public Head Head { get; } = head;

        public IReadOnlyList<EvmLog> Logs { get; } = logs;

        public bool IsNamed { get; set; }

        public bool IsNamedAsConfirmed { get; set; }
    }

    private ulong Depth => (ulong)Math.Max(confirmations, 1) - 1;

    /// <summary>Waits for the next advance; null once cancelled. While no node answers it waits on.</summary>
    public async Task<ChainAdvance?> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                // The first look is at once; later ones leave the node alone for a while.
                if (_hasStarted)
                {
                    await Task.Delay(pollInterval, chain.Time, cancellation);
                }

                _hasStarted = true;
                if (await LookAsync(cancellation) is { } advance)
                {
                    _failures = 0;
                    _looksBack = 0;
                    return advance;
                }
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception failure) when (failure is RpcUnavailableException or RpcRefusedException)
            {
                // A node that is away is waited for; one that has a new block and cannot show it, not for ever.
                _failures += _hasNewest ? 1 : 0;
            }
        }
    }

    private async Task<ChainAdvance?> LookAsync(CancellationToken cancellation)
    {
        _hasNewest = false;
        var newest = (await chain.NewestAsync(cancellation)).Head;
        _hasNewest = true;
        if (_seen.Exists(seen => seen.Head.Hash == newest.Hash))
        {
            // Nothing new, or a node that is a little behind.
            return null;
        }

        if (_failures >= FailuresBeforeSkipping)
        {
            _seen = [Passed(newest)];
            return new ChainAdvance(newest, true, []);
        }

        if (_seen.Count > 0 && newest.Number + Remembered < _seen[^1].Head.Number
            && ++_looksBack < LooksBeforeGoingBack)
        {
            return null;
        }

        var (known, fresh) = await ConnectAsync(newest, cancellation);
        if (fresh is null)
        {
            return null;
        }

        var isReset = known.Count == 0 || known[^1] != _seen.LastOrDefault();
        var logs = await chain.LogsAsync(fresh, filters, cancellation);
        _seen = [.. known, .. fresh.Select((head, i) => new Seen(head, logs[i]))];
        return new ChainAdvance(newest, isReset, Unnamed(newest));
    }

    // The part of what was seen that is still history, and the blocks from there to the newest; no blocks if the nodes
    // contradict each other just now.
    private async Task<(List<Seen> Known, List<Head>? Fresh)> ConnectAsync(
        Head newest, CancellationToken cancellation)
    {
        var last = _seen.LastOrDefault()?.Head;
        if (last is { } head && newest.Number > head.Number && newest.Number - head.Number <= WidestGap)
        {
            var blocks = await RangeAsync(head.Number + 1, newest, cancellation);
            if (blocks is null || blocks[0].Parent == head.Hash)
            {
                return (_seen, blocks?.ConvertAll(block => block.Head));
            }
        }

        var ancestor = await AncestorAsync(newest, cancellation);
        var known = _seen.TakeWhile(seen => ancestor is { } a && seen.Head.Number <= a.Number).ToList();
        var start = ancestor is { } old
            ? old.Number + 1
            : newest.Number - Math.Min(newest.Number, Depth);
        var fresh = await RangeAsync(start, newest, cancellation);
        return fresh is null || known.Count == 0 || fresh[0].Parent == known[^1].Head.Hash
            ? (known, fresh?.ConvertAll(block => block.Head))
            : (known, null);
    }

    // The newest block seen that the chain still has, if a gap to the newest one is not too wide.
    private async Task<Head?> AncestorAsync(Head newest, CancellationToken cancellation)
    {
        var candidates = _seen.Select(seen => seen.Head)
            .Where(head => head.Number < newest.Number && newest.Number - head.Number <= WidestGap)
            .ToList();
        var blocks = await chain.BlocksAsync([.. candidates.Select(head => head.Number)], cancellation);
        for (var i = candidates.Count - 1; i >= 0; i--)
        {
            if (blocks[i]?.Head.Hash == candidates[i].Hash)
            {
                return candidates[i];
            }
        }

        return null;
    }

    // Blocks from a number to the newest; null unless each is the parent of the next.
    private async Task<List<EvmBlock>?> RangeAsync(ulong start, Head newest, CancellationToken cancellation)
    {
        var numbers = new List<ulong>();
        for (var number = start; number <= newest.Number; number++)
        {
            numbers.Add(number);
        }

        var blocks = new List<EvmBlock>();
        foreach (var block in await chain.BlocksAsync(numbers, cancellation))
        {
            if (block is null || (blocks.Count > 0 && block.Parent != blocks[^1].Head.Hash))
            {
                return null;
            }

            blocks.Add(block);
        }

        return blocks.Count > 0 && blocks[^1].Head.Hash == newest.Hash ? blocks : null;
    }

    private List<EvmLog> Unnamed(Head newest)
    {
        var logs = new List<EvmLog>();
        foreach (var seen in _seen)
        {
            if (!seen.IsNamed)
            {
                logs.AddRange(seen.Logs);
                seen.IsNamed = true;
                seen.IsNamedAsConfirmed = Depth == 0;
            }

            if (!seen.IsNamedAsConfirmed && newest.Number - seen.Head.Number >= Depth)
            {
                logs.AddRange(seen.Logs);
                seen.IsNamedAsConfirmed = true;
            }
        }

        var surplus = _seen.Count - Remembered - (int)Depth;
        _seen.RemoveRange(0, Math.Max(surplus, 0));
        return logs;
    }

    private static Seen Passed(Head head) => new(head, []) { IsNamed = true, IsNamedAsConfirmed = true };
}
