using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Souk.Chain.Tests.Nodes;
using Souk.Protocol;

namespace Souk.Chain.Tests.Escrow;

/// <summary>
/// The escrow's bytecode in an EVM and the model of the specification, which share nothing but hashes and signatures,
/// take the same random calls: they accept and refuse the same ones, by the same errors, and hold the same numbers
/// after each. SOUK_SEQUENCES asks for more sequences than the fixed few, SOUK_FIRST_SEED for others, and SOUK_RESULTS
/// names a file for a line about them.
/// </summary>
public sealed class ModelTests
{
    private const int Calls = 60;
    private static readonly HashSet<string> Known = [.. ErrorNames()];

    [Fact]
    public async Task Contract_and_model_agree_on_random_calls()
    {
        var (sequences, first) = (Setting("SOUK_SEQUENCES", 25), Setting("SOUK_FIRST_SEED", 1));
        await using var anvil = await AnvilProcess.StartAsync();
        var contract = await Contract.DeployAsync(anvil);
        using var cast = new Cast(contract.Network, contract.Currency);
        Dictionary<string, int> outcomes = new(StringComparer.Ordinal);
        var clock = Stopwatch.StartNew();
        for (var seed = first; seed < first + sequences; seed++)
        {
            await CompareAsync(contract, cast, seed, outcomes);
        }

        Note(first, sequences, clock.Elapsed, outcomes);

        // Every kind of call works at times and every error of the specification occurs, as far as an EVM can show it.
        string[] never = ["DepositOverflow", "DepositCollectionFailed"];
        Assert.Empty(Known.Except(never).Except(outcomes.Keys));
        Assert.Equal(7, outcomes.Keys.Count(key => key.StartsWith("done: ", StringComparison.Ordinal)));
    }

    private static async Task CompareAsync(Contract contract, Cast cast, int seed, Dictionary<string, int> outcomes)
    {
        var expected = Model.Play(cast, seed, Calls);
        var observed = await contract.PlayAsync(cast, expected.Select(one => one.Step));
        Assert.Equal(expected.Count, observed.Count);
        for (var i = 0; i < expected.Count; i++)
        {
            var (step, error, state) = expected[i];
            var where = $"seed {seed}, call {i}: {step.Modelled}";
            Assert.True(
                error is null == observed[i].Revert is null,
                $"{where}: the model says {error ?? "done"}, the contract {Name(observed[i].Revert)}");
            if (error is not null && IsOneFault(step))
            {
                Assert.True(IsSame(error, observed[i].Revert!), $"{where}: {error} but {Name(observed[i].Revert)}");
            }

            Assert.True(
                state.SequenceEqual(observed[i].State),
                $"{where}:\n{string.Join(' ', state)}\n{string.Join(' ', observed[i].State)}");
            var key = error ?? $"done: {step.Modelled.GetType().Name}";
            outcomes[key] = outcomes.GetValueOrDefault(key) + 1;
        }
    }

    /// <summary>In a batch with several bad rows the specification leaves open which of them speaks.</summary>
    private static bool IsOneFault(Step step) => step.Modelled is not Claim { Rows.Count: > 1 };

    /// <summary>
    /// Errors of the escrow are compared by selector; those of currency and collector are theirs to name.
    /// </summary>
    private static bool IsSame(string error, byte[] revert) =>
        !Known.Contains(error) || Selector(error).AsSpan().SequenceEqual(revert.AsSpan(0, Math.Min(4, revert.Length)))
        || (error == "InvalidSignature" && Name(revert) is null);

    private static string? Name(byte[]? revert) => revert is null
        ? "done"
        : Known.FirstOrDefault(name => revert.Length == 4 && Selector(name).AsSpan().SequenceEqual(revert));

    private static byte[] Selector(string error) =>
        Keccak256.Hash(System.Text.Encoding.ASCII.GetBytes(error + "()")).ToBytes()[..4];

    private static IEnumerable<string> ErrorNames()
    {
        var path = Path.Combine(VectorFiles.Root, "contracts", "test", "node", "x402.specification.json");
        using var specification = JsonDocument.Parse(File.ReadAllText(path));
        return [.. specification.RootElement.GetProperty("BatchSettlement").EnumerateArray()
            .Select(item => item.GetString()!)
            .Where(item => item.StartsWith("error ", StringComparison.Ordinal))
            .Select(item => item["error ".Length..item.IndexOf('(', StringComparison.Ordinal)])];
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value)
            ? value
            : otherwise;

    private static void Note(int first, int sequences, TimeSpan time, Dictionary<string, int> outcomes)
    {
        if (Environment.GetEnvironmentVariable("SOUK_RESULTS") is not { Length: > 0 } file)
        {
            return;
        }

        var line = JsonSerializer.Serialize(new
        {
            commit = Environment.GetEnvironmentVariable("SOUK_COMMIT"),
            code = Environment.GetEnvironmentVariable("SOUK_CODE"),
            firstSeed = first,
            sequences,
            calls = sequences * Calls,
            seconds = Math.Round(time.TotalSeconds, 1),
            outcomes = outcomes.OrderBy(pair => pair.Key, StringComparer.Ordinal).ToDictionary(),
        });
        File.AppendAllText(file, line + "\n");
    }
}
