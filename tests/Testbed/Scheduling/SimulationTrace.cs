using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Souk.Protocol;

namespace Souk.Testbed;

/// <summary>
/// What happened in a simulation, as one SHA-256 over labelled events and their simulated times. Two runs that differ
/// in any observable step differ in the hash. The last events are kept as text for whoever reads a failure.
/// </summary>
public sealed class SimulationTrace : IDisposable
{
    private const int KeptLines = 200;
    private const int MostKept = 96;
    private const int MostCopied = 2_000;

    private readonly SimulatedScheduler _scheduler;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Queue<string> _lines = new();

    internal SimulationTrace(SimulatedScheduler scheduler) => _scheduler = scheduler;

    /// <summary>The number of events so far.</summary>
    public long Count { get; private set; }

    /// <summary>The hash over all events so far.</summary>
    public Bytes32 Hash => Bytes32.FromBytes(_hash.GetCurrentHash());

    /// <summary>The last events, oldest first.</summary>
    public IReadOnlyCollection<string> LastEvents => _lines;

    /// <summary>Where every event is written as well, with much of its content; null for nowhere.</summary>
    public TextWriter? Copy { get; set; }

    /// <summary>Adds an event whose content is text.</summary>
    public void Record(string label, string content) => Record(label, Encoding.UTF8.GetBytes(content));

    /// <summary>Adds an event.</summary>
    public void Record(string label, ReadOnlySpan<byte> content)
    {
        _scheduler.RequireOwnThread();
        var name = Encoding.UTF8.GetBytes(label);
        Span<byte> head = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(head, _scheduler.Elapsed.Ticks);
        BinaryPrimitives.WriteInt32BigEndian(head[8..], name.Length);
        BinaryPrimitives.WriteInt32BigEndian(head[12..], content.Length);
        _hash.AppendData(head);
        _hash.AppendData(name);
        _hash.AppendData(content);
        Count++;
        Copy?.WriteLine($"{_scheduler.Elapsed:c} {label} {Excerpt(content, MostCopied)}");
        if (_lines.Count == KeptLines)
        {
            _lines.Dequeue();
        }

        _lines.Enqueue($"{_scheduler.Elapsed:c} {label} {Excerpt(content, MostKept)}");
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private static string Excerpt(ReadOnlySpan<byte> content, int most)
    {
        var cut = content[..Math.Min(most, content.Length)];
        var isText = !cut.ContainsAnyExceptInRange((byte)' ', (byte)'~');
        return isText ? Encoding.ASCII.GetString(cut) : Convert.ToHexStringLower(cut);
    }
}
