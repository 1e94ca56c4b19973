namespace Souk.Fuzz;

/// <summary>A parser of bytes that a peer chooses.</summary>
/// <param name="Name">What it reads.</param>
/// <param name="Seeds">Inputs that it takes.</param>
/// <param name="Read">
/// "ok", or the documented way in which it refuses. Whatever it throws, and whatever else it says, is a bug.
/// </param>
internal sealed record Target(string Name, IReadOnlyList<byte[]> Seeds, Func<byte[], string> Read)
{
    public const string Taken = "ok";

    public override string ToString() => Name;
}

/// <summary>One parser and all the inputs of one seed.</summary>
internal sealed class Hunt(Target target, int seed)
{
    public override string ToString() => $"{target}: {Taken} taken, {Answers} answers";

    private const int LargestCorpus = 512;
    private const int MostSeconds = 5;

    // What a parser may allocate for an input: its text as UTF-16, a tree of it, copies of parts.
    private const long MostBytesFlat = 2 << 20;
    private const long MostBytesPerByte = 1_024;

    /// <summary>Inputs that were taken.</summary>
    public long Taken { get; private set; }

    /// <summary>Different answers seen, "ok" among them.</summary>
    public int Answers { get; private set; }

    /// <summary>Reads so many inputs, and throws at the first that does something else than documented.</summary>
    public void Run(long inputs, CancellationToken cancellation = default)
    {
        var random = new Random(seed);
        var mutator = new Mutator(random);
        List<byte[]> corpus = [.. target.Seeds];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (var whole in target.Seeds)
        {
            Assert.Equal(Target.Taken, Try(whole));
        }

        for (long i = 0; i < inputs && !cancellation.IsCancellationRequested; i++)
        {
            var input = mutator.Next(random.Next(2) == 0 ? target.Seeds : corpus);
            var answer = Try(input);
            Taken += answer == Target.Taken ? 1 : 0;
            // What was answered as nothing before is a place that no input had reached.
            if (seen.Add(answer) && corpus.Count < LargestCorpus)
            {
                corpus.Add(input);
            }
        }

        Answers = seen.Count;
    }

    private string Try(byte[] input)
    {
        var (began, before) = (Environment.TickCount64, GC.GetAllocatedBytesForCurrentThread());
        string answer;
        try
        {
            answer = target.Read(input);
        }
        catch (Exception bug)
        {
            throw new InvalidOperationException(
                $"{target.Name}, seed {seed}, input {Convert.ToBase64String(input)}: {bug}", bug);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= MostBytesFlat + (MostBytesPerByte * input.Length),
            $"{target.Name} allocated {allocated} bytes for {input.Length}: {Convert.ToBase64String(input)}");
        Assert.True(Environment.TickCount64 - began < MostSeconds * 1_000,
            $"{target.Name} read {input.Length} bytes for seconds: {Convert.ToBase64String(input)}");
        // Numbers in messages (lengths, positions) would make every answer a new one.
        return new string([.. answer.Take(80).Where(letter => !char.IsAsciiDigit(letter))]);
    }
}
