using Souk.Cli.Doctor;
using Souk.Cli.State;
using Souk.Ledger.Rows;
using Souk.Ledger.Sqlite;
using Souk.Protocol;

namespace Souk.Cli.Tests.Doctor;

/// <summary>What can be wrong on the machine itself is found, and what to do is said.</summary>
public sealed class MachineTests
{
    [Fact]
    public void A_data_folder_that_others_can_read_is_a_problem()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no such modes.");
            return;
        }

        using var folder = new TestFolder();
        var data = new DataDirectory(folder.In("data"));
        Assert.True(MachineChecks.Folder(data).IsOk);

        File.SetUnixFileMode(data.Root, File.GetUnixFileMode(data.Root) | UnixFileMode.OtherRead);

        Told.Problem(MachineChecks.Folder(data), "other accounts", $"chmod 700 {data.Root}");
    }

    [Fact]
    public async Task A_node_that_is_missing_or_old_is_a_problem()
    {
        using var folder = new TestFolder();
        Told.Problem(await NodeAsync(folder.In("node")), "not installed", "Install Node 20");
        Told.Problem(await NodeAsync(Program(folder, "echo v18.19.1")), "v18.19.1 is too old", "Install Node 20");
        Told.Problem(await NodeAsync(Program(folder, "exit 1")), "not installed", "Install Node 20");
        Assert.True((await NodeAsync(Program(folder, "echo v20.0.0"))).IsOk);

        static Task<Finding> NodeAsync(string program) =>
            MachineChecks.NodeAsync(program, TimeProvider.System, CancellationToken.None);
    }

    [Fact]
    public async Task An_anvil_that_is_missing_or_does_not_run_is_a_problem()
    {
        using var folder = new TestFolder();
        Told.Problem(await AnvilAsync(null), "not found", "npm ci");
        Told.Problem(await AnvilAsync(Program(folder, "exit 1")), "does not run", "SOUK_ANVIL");
        Assert.Equal("anvil 1.0", (await AnvilAsync(Program(folder, "echo anvil 1.0"))).Text);

        static Task<Finding> AnvilAsync(string? program) =>
            MachineChecks.AnvilAsync(program, TimeProvider.System, CancellationToken.None);
    }

    [Fact]
    public async Task A_damaged_ledger_is_a_problem_and_says_how_it_is_repaired()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        Assert.Null(await MachineChecks.LedgerAsync(data, "gateway", CancellationToken.None));
        var path = data.Ledger("gateway");
        await using (var ledger = SqliteLedger.Open(path))
        {
            var key = new ApiKeyCreated(Sha.Hash("first"u8), "first", new(5), null, 1);
            await ledger.AppendAsync([RowCodec.ToEntry(key)]);
            Told.Problem((await MachineChecks.LedgerAsync(data, "gateway", CancellationToken.None))!,
                "open in another process", "");
        }

        Assert.True((await MachineChecks.LedgerAsync(data, "gateway", CancellationToken.None))!.IsOk);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[bytes.AsSpan().IndexOf("first"u8)] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        var found = (await MachineChecks.LedgerAsync(data, "gateway", CancellationToken.None))!;
        Told.Problem(found, "souk ledger repair", "");
    }

    private static string Program(TestFolder folder, string line)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("It takes a shell.");
            return "";
        }

        var path = folder.In($"program-{Directory.GetFiles(folder.Path).Length}");
        File.WriteAllText(path, $"#!/bin/sh\n{line}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }
}
