using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Souk.Cli.Doctor;
using Souk.Cli.State;
using Souk.Cli.Up;

namespace Souk.Cli.Tests.Doctor;

public sealed class PortTests
{
    [Fact]
    public void Who_has_a_port_is_named()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux tells in /proc.");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        Assert.Contains(
            Environment.ProcessId.ToString(CultureInfo.InvariantCulture), PortOwner.Of(port), StringComparison.Ordinal);
        listener.Stop();
        Assert.Null(PortOwner.Of(port));
    }

    [Fact]
    public void A_port_is_free_ours_or_a_problem_with_advice()
    {
        using var folder = new TestFolder();
        var data = new DataDirectory(folder.Path);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var taken = ((IPEndPoint)listener.LocalEndpoint).Port;
        var ports = new Ports(taken, Free(), Free(), Free(), Free());

        var before = MachineChecks.Ports(data, ports).ToList();
        DataDirectory.WriteJson(data.Running("gateway"), RunningFile.Current(new Ports(taken, 0, 0, 0, 0), 0, 0));
        var after = MachineChecks.Ports(data, ports).ToList();

        Assert.Equal([false, true, true, true, true], before.Select(finding => finding.IsOk));
        Assert.NotNull(before[0].Advice);
        Assert.All(after, finding => Assert.True(finding.IsOk));
        Assert.Contains("own gateway", after[0].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_number_that_is_no_port_is_a_problem()
    {
        Assert.Equal(5, new Ports(0, -1, 65536, 70000, 0).Problems().Count);
        Assert.Equal(new Ports(21000, 21001, 21002, 21003, 21004), Ports.From(21000));
    }

    private static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
