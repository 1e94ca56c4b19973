using System.Text.Json;
using System.Text.RegularExpressions;
using OpenAI.Chat;
using Souk.EndToEnd.Processes;
using Souk.EndToEnd.Reading;

namespace Souk.EndToEnd;

/// <summary>Two networks that run side by side on this machine, each started by one command.</summary>
public sealed class TwoNetworks : IAsyncLifetime
{
    private readonly string[] _folders = [SoukProcess.NewFolder(), SoukProcess.NewFolder()];

    internal SoukProcess First { get; private set; } = null!;

    internal SoukProcess Second { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        // One after the other only to choose ports; both come up together.
        var first = SoukProcess.UpAsync(_folders[0], isQuiet: false);
        var second = SoukProcess.UpAsync(_folders[1], isQuiet: false);
        try
        {
            (First, Second) = (await first, await second);
        }
        catch
        {
            await DisposeOfAsync(first);
            await DisposeOfAsync(second);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
        foreach (var folder in _folders)
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task DisposeOfAsync(Task<SoukProcess> starting)
    {
        if (await Task.WhenAny(starting) is { IsCompletedSuccessfully: true } done)
        {
            await (await done).DisposeAsync();
        }
    }
}

public sealed partial class UpTests(TwoNetworks networks) : IClassFixture<TwoNetworks>
{
    private readonly SoukProcess _first = networks.First;
    private readonly SoukProcess _second = networks.Second;

    [Fact]
    public async Task Up_shows_answer_cost_receipt_and_the_transaction_that_paid()
    {
        // A screen without a terminal may break long lines.
        var shown = Blanks().Replace(_first.Output, "");
        Assert.Matches("assistant.+usage[0-9]+tokensin,[0-9]+out,cost0\\.[0-9]+", shown);
        Assert.Matches("signedby0x[0-9a-fA-F]{40}signature0x[0-9a-f]{130}", shown);
        Assert.Matches("paidout0\\.0*[1-9]", shown);
        using var chain = new ChainReader(_first.RpcUrl);
        foreach (var transaction in new[] { "claimedin", "paidin" })
        {
            var hash = Regex.Match(shown, transaction + "(0x[0-9a-f]{64})").Groups[1].Value;
            Assert.True(hash.Length == 66, _first.Output);
            Assert.Equal(1, await chain.StatusAsync(hash));
        }
    }

    [Fact]
    public async Task The_sdk_talks_to_two_networks_side_by_side()
    {
        Assert.NotEqual(_first.ApiKey, _second.ApiKey);
        var answers = await Task.WhenAll(new[] { _first, _second }.Select(up =>
            Load.Client(up.BaseUrl, up.ApiKey).CompleteChatAsync(new UserChatMessage("What is 3 plus 4?"))));
        Assert.All(answers, answer => Assert.NotEmpty(answer.Value.Content[0].Text));
        var foreign = Load.Client(_first.BaseUrl, _second.ApiKey);
        var refused = await Assert.ThrowsAsync<System.ClientModel.ClientResultException>(
            () => foreign.CompleteChatAsync(new UserChatMessage("What is 3 plus 4?")));
        Assert.Equal(401, refused.Status);
    }

    [Fact]
    public async Task Keys_are_made_changed_and_revoked_and_their_use_is_told_as_table_csv_and_json()
    {
        const string Name = "books, \"2026\"";
        using var made = await JsonAsync("keys", "create", Name, "--budget", "1", "--rpm", "60", "--models",
            "souk-demo");
        var (secret, hash) = (Text(made, "key"), Text(made, "hash"));
        using var changed = await JsonAsync(
            "keys", "set", Name, "--rpm", "none", "--budget-per-day", "0.5", "--max-output-price", "1000");
        Assert.Equal(("", "0.5", "1000"), (Text(changed, "requests_per_minute"), Text(changed, "budget_per_day"),
            Text(changed, "max_output_price")));
        await Load.Client(_second.BaseUrl, secret).CompleteChatAsync(new UserChatMessage("What is 3 plus 4?"));

        using var usage = await JsonAsync("usage", "--by", "key", "model");
        var (_, csv) = await SoukAsync("usage", "--csv");
        var (_, table) = await SoukAsync("usage", "--by", "key");
        var (_, list) = await SoukAsync("keys", "list");

        var billed = LedgerReader.Read(Path.Combine(_second.Data, "gateway.ledger"))
            .Where(row => row.Kind == "budget_charged" && row.Body.GetProperty("key_hash").GetString() == hash)
            .Select(row => row.Body.GetProperty("charged").GetString()).Single();
        var row = usage.RootElement.GetProperty("rows").EnumerateArray()
            .Single(one => one.GetProperty("key").GetString() == hash);
        Assert.Equal(billed, $"{AdminReader.Units(row.GetProperty("billed").GetString()!)}");
        var lines = csv.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(
            "day,key,name,model,requests,input_tokens,cached_tokens,output_tokens,charged,billed", lines[0]);
        Assert.Contains(lines, line => line.Contains($"{hash},\"books, \"\"2026\"\"\",souk-demo,1,",
            StringComparison.Ordinal) && line.EndsWith("," + row.GetProperty("billed").GetString(),
            StringComparison.Ordinal));
        Assert.Contains(Name, table, StringComparison.Ordinal);
        Assert.Contains("total", table, StringComparison.Ordinal);
        Assert.Contains(hash[..12], list, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, csv + table + list, StringComparison.Ordinal);

        Assert.Equal(0, (await SoukAsync("keys", "revoke", hash[..10])).Code);
        var refused = await Assert.ThrowsAsync<System.ClientModel.ClientResultException>(
            () => Load.Client(_second.BaseUrl, secret).CompleteChatAsync(new UserChatMessage("What is 3 plus 4?")));
        Assert.Equal(401, refused.Status);
        Assert.NotEqual(0, (await SoukAsync("keys", "set", Name, "--budget", "2")).Code);
    }

    [Fact]
    public async Task Chat_streams_an_answer_with_its_cost_once_and_as_a_conversation()
    {
        var (code, once) = await SoukAsync("chat", "What is 3 plus 4?");
        Assert.Equal(0, code);
        Assert.Matches(@"7[\s\S]*cost +0\.0*[1-9][0-9]* \([0-9]+ tokens in, [0-9]+ out\)", once);

        var (ended, talk) = await SoukProcess.TalkAsync(
            "What is 3 plus 4?\n/new\nWhat is 5 plus 6?\n/exit\n", "chat", "--data", _second.Data);
        Assert.Equal(0, ended);
        Assert.Equal(2, Regex.Count(talk, "cost +0\\.0*[1-9]"));
        Assert.Contains("11", talk, StringComparison.Ordinal);

        var (refused, said) = await SoukAsync("chat", "Hello", "--api-key", "sk-souk-nobody");
        Assert.Equal(1, refused);
        Assert.Contains("error: ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_finds_nothing_wrong_with_a_network_that_runs()
    {
        using var told = await JsonAsync("doctor");

        Assert.True(told.RootElement.GetProperty("ok").GetBoolean());
        var checks = told.RootElement.GetProperty("checks").EnumerateArray()
            .Select(check => check.GetProperty("check").GetString()!).ToHashSet(StringComparer.Ordinal);
        Assert.Superset(
            new HashSet<string>(StringComparer.Ordinal)
            {
                "data folder", "node", "anvil", "gateway ledger", "provider ledger", "gateway exposure", "network",
                "chain", "clock and head", "contracts", "gas key", "vault", "vault caps", "registration", "endpoint",
                "indexer", "engine",
            },
            checks);
    }

    [Fact]
    public async Task The_owner_lists_a_receiver_that_is_in_no_registry_and_takes_it_off_again()
    {
        const string Receiver = "0x00000000000000000000000000000000000000A1";
        using var chain = new ChainReader(_second.RpcUrl);
        using var listed = await JsonAsync("wallet", "receiver", Receiver);
        var vault = Text(listed, "vault");
        Assert.Contains(Receiver, Text(listed, "receivers"), StringComparison.OrdinalIgnoreCase);
        Assert.True(await chain.IsReceiverAllowedAsync(vault, Receiver));

        using var removed = await JsonAsync("wallet", "receiver", Receiver, "--remove");
        Assert.DoesNotContain(Receiver, Text(removed, "receivers"), StringComparison.OrdinalIgnoreCase);
        Assert.False(await chain.IsReceiverAllowedAsync(vault, Receiver));
        Assert.NotEqual(0, (await SoukAsync("wallet", "receiver", "0x12")).Code);
    }

    [Fact]
    public async Task A_second_up_on_the_same_folder_is_refused()
    {
        await using var again = SoukProcess.Begin(_first.Data, isQuiet: true);
        Assert.Equal(4, await again.EndedAsync());
        Assert.Contains("already runs", again.Output, StringComparison.Ordinal);
        Assert.False(_first.HasExited);
    }

    [Fact]
    public async Task A_taken_port_is_named_before_anything_starts()
    {
        var folder = SoukProcess.NewFolder();
        await using var clash = SoukProcess.Begin(folder, isQuiet: true, _first.PortBase);
        Assert.Equal(1, await clash.EndedAsync());
        Assert.Contains($"{_first.PortBase}", clash.Output, StringComparison.Ordinal);
        // The lock by which one folder has one network may be there; keys, chain and ledgers may not.
        Assert.DoesNotContain(Directory.GetFileSystemEntries(folder), path => Path.GetFileName(path) != "up.lock");
        Directory.Delete(folder, recursive: true);
    }

    private Task<(int Code, string Output)> SoukAsync(params string[] arguments) =>
        SoukProcess.RunAsync([.. arguments, "--data", _second.Data]);

    private async Task<JsonDocument> JsonAsync(params string[] arguments)
    {
        var (code, output) = await SoukAsync([.. arguments, "--json"]);
        Assert.True(code == 0, output);
        return JsonDocument.Parse(output);
    }

    private static string Text(JsonDocument from, string name) => from.RootElement.GetProperty(name).ToString();

    [GeneratedRegex("\\s+")]
    private static partial Regex Blanks();
}
