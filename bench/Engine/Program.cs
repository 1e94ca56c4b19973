using System.Globalization;
using Souk.Bench.Engine;
using Souk.Bench.Engine.Exports;

// Measures the ONNX engine on a model directory.
switch (args)
{
    case ["speed", var directory, var tokens, var rounds, var threads, var loops, .. var batches]:
        await Speed.RunAsync(
            directory, Number(tokens), Number(rounds), Number(threads), Number(loops),
            batches.Length == 0 ? [1, 4, 16, 64] : [.. batches.Select(Number)]);
        return 0;
    case ["waiting", var directory, var rounds, var threads, var loops]:
        await Waiting.RunAsync(directory, Number(rounds), Number(threads), Number(loops));
        return 0;
    case ["numerics", var directory, var tokens, var file, .. var first]:
        await Numerics.RunAsync(
            directory, long.Parse(tokens, CultureInfo.InvariantCulture), file, first.Length == 0 ? 0
                : Number(first[0]));
        return 0;
    case ["peer", var directory, var script, var tokens, var rounds, var threads, .. var batches]:
        await Peer.RunAsync(
            directory, script, Number(tokens), Number(rounds), Number(threads),
            batches.Length == 0 ? [1, 4, 16, 64] : [.. batches.Select(Number)]);
        return 0;
    case ["sampler", var vocabulary, var rounds]:
        SamplerSpeed.Run(Number(vocabulary), Number(rounds));
        return 0;
    case ["half", var directory, var target]:
        HalfDirectory.Export(directory, target);
        return 0;
    default:
        await Console.Error.WriteLineAsync(
            """
            usage: bench/Engine speed MODEL_DIRECTORY TOKENS ROUNDS THREADS LOOPS [AT_ONCE...]
                   bench/Engine waiting MODEL_DIRECTORY ROUNDS THREADS LOOPS
                   bench/Engine numerics MODEL_DIRECTORY TOKENS RESULT_FILE [FIRST_BLOCK]
                   bench/Engine peer MODEL_DIRECTORY tests/Engines.Tests/LlamaServer/peer.mjs TOKENS ROUNDS THREADS
                       [AT_ONCE...]
                   bench/Engine sampler VOCABULARY ROUNDS
                   bench/Engine half MODEL_DIRECTORY NEW_DIRECTORY
            """);
        return 2;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
