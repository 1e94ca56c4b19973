using System.Runtime.Versioning;
using Souk.Cli.State;
using Souk.Cli.Up;

namespace Souk.Cli.Tests.State;

public sealed class DataDirectoryTests
{
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Folder_and_files_are_their_owners_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no such modes.");
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.In("new"));
        DataDirectory.Write(data.AdminToken, "secret");
        DataDirectory.WriteJson(data.Running("up"), RunningFile.Current(Ports.Default, 1, 2));

        const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(OwnerFile | UnixFileMode.UserExecute, File.GetUnixFileMode(data.Root));
        Assert.Equal(OwnerFile | UnixFileMode.UserExecute, File.GetUnixFileMode(data.Folder("keys")));
        Assert.Equal(OwnerFile, File.GetUnixFileMode(data.AdminToken));
        Assert.Equal(OwnerFile, File.GetUnixFileMode(data.Running("up")));
    }

    [Fact]
    public void A_folder_is_one_runs_at_a_time()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        using (var first = data.TryLock("up"))
        {
            Assert.NotNull(first);
            Assert.Null(data.TryLock("up"));
            using var other = data.TryLock("indexer");
            Assert.NotNull(other);
        }

        using var next = data.TryLock("up");
        Assert.NotNull(next);
    }

    [Fact]
    public void A_run_is_alive_only_as_the_very_process_that_wrote_itself_down()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        var current = RunningFile.Current(Ports.From(21000), 1, 2);
        DataDirectory.WriteJson(data.Running("gateway"), current);
        Assert.Equal(current, RunningFile.Find(data, "gateway"));
        Assert.Null(RunningFile.Find(data, "provider"));

        DataDirectory.WriteJson(
            data.Running("gateway"), current with { StartedTicks = current.StartedTicks - TimeSpan.TicksPerMinute });
        Assert.Null(RunningFile.Find(data, "gateway", out var left));
        Assert.Equal(21000, left!.Ports.Gateway);
    }

    [Fact]
    public void What_is_no_such_file_reads_as_nothing()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        File.WriteAllText(data.Running("up"), "{ torn");

        Assert.Null(RunningFile.Find(data, "up"));
        Assert.Null(DataDirectory.Read(data.ApiKey));
    }
}
