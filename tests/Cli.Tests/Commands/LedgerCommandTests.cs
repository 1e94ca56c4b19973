using System.Text.Json;
using Souk.Cli.Output;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;

namespace Souk.Cli.Tests.Commands;

/// <summary><c>ledger check</c> and <c>ledger repair</c> on real files.</summary>
public sealed class LedgerCommandTests
{
    [Fact]
    public async Task A_damaged_ledger_is_told_repaired_and_whole_again()
    {
        using var folder = new TestFolder();
        var path = folder.In("gateway.ledger");
        await using (var ledger = SqliteLedger.Open(path))
        {
            foreach (var name in (string[])["first", "second", "third"])
            {
                var key = new ApiKeyCreated(Sha.Hash(System.Text.Encoding.UTF8.GetBytes(name)), name, new(5), null, 1);
                await ledger.AppendAsync([RowCodec.ToEntry(key)]);
            }
        }

        Assert.Equal((ExitCodes.Ok, "whole", 3, "none"), await RunAsync(folder, "check"));
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.AsSpan().IndexOf("second"u8)] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        Assert.Equal((ExitCodes.Failed, "damaged", 2, "2"), await RunAsync(folder, "check"));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(path));
        Assert.Equal((ExitCodes.Ok, "repaired", 2, "2"), await RunAsync(folder, "repair"));
        Assert.Equal((ExitCodes.Ok, "whole", 3, "none"), await RunAsync(folder, "check"));
        var kept = Assert.Single(
            Directory.GetFiles(folder.Path, "gateway.ledger.damaged-*"),
            file => !file.EndsWith(".mark", StringComparison.Ordinal));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(kept));
    }

    [Fact]
    public async Task Where_there_is_no_ledger_or_no_such_role_it_says_so()
    {
        using var folder = new TestFolder();
        using var piped = new PipedScreen();
        Assert.Equal(ExitCodes.Failed, await piped.RunAsync("ledger", "check", "provider", "--data", folder.Path));
        Assert.Contains("no ledger", piped.Errors, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Usage, await piped.RunAsync("ledger", "check", "bank", "--data", folder.Path));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static async Task<(int Exit, string? State, int Rows, string? Lost)> RunAsync(
        TestFolder folder, string verb)
    {
        using var piped = new PipedScreen();
        var exit = await piped.RunAsync("ledger", verb, "gateway", "--json", "--data", folder.Path);
        using var json = JsonDocument.Parse(piped.Output);
        var told = json.RootElement;
        Assert.StartsWith("not compared", told.GetProperty("chain").GetString(), StringComparison.Ordinal);
        return (
            exit, told.GetProperty("state").GetString(), told.GetProperty("rows").GetInt32(),
            told.GetProperty("rows_lost").GetString());
    }
}
