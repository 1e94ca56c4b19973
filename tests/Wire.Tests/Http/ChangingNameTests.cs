using System.Net;
using System.Net.Sockets;
using Souk.Protocol;
using Souk.Wire.Http;

namespace Souk.Wire.Tests.Http;

/// <summary>A name that changes its answer between check and use, or between connections, leads nowhere new.</summary>
public sealed class ChangingNameTests
{
    private static readonly IPAddress Public = IPAddress.Loopback;

    // All of 127.0.0.0/8 is this machine: one of its addresses stands for the private network.
    private static readonly IPAddress Private = IPAddress.Parse("127.0.0.2");

    [Fact]
    public async Task A_connection_goes_to_the_address_that_was_judged()
    {
        using var outside = new TcpListener(Public, 0);
        outside.Start();
        var port = ((IPEndPoint)outside.LocalEndpoint).Port;
        using var inside = new TcpListener(Private, port);
        inside.Start();
        var name = new ChangingName(Public, Private);
        var connector = new JudgedConnector(address => !address.Equals(Private), name.ResolveAsync);

        await using (await connector.OpenAsync("changes.test", port, Clients.Soon))
        {
            Assert.Equal(1, name.Asked);
            Assert.True(outside.Pending());
            Assert.False(inside.Pending());
        }

        var failure = await Assert.ThrowsAsync<WireException>(
            () => connector.OpenAsync("changes.test", port, Clients.Soon));
        Assert.Equal((Fault.Theirs, WireCodes.AddressRefused), (failure.Fault, failure.Code));
        Assert.Equal(2, name.Asked);
        Assert.False(inside.Pending());
    }

    [Fact]
    public async Task Of_several_addresses_only_those_allowed_are_tried()
    {
        using var inside = new TcpListener(Private, 0);
        inside.Start();
        var port = ((IPEndPoint)inside.LocalEndpoint).Port;
        var connector = new JudgedConnector(
            address => !address.Equals(Private), (_, _) => Task.FromResult<IPAddress[]>([Private, Public]));

        // Nobody listens at the allowed one.
        var failure = await Assert.ThrowsAsync<WireException>(
            () => connector.OpenAsync("several.test", port, Clients.Soon));

        Assert.Equal(WireCodes.ConnectFailed, failure.Code);
        Assert.False(inside.Pending());
    }

    [Fact]
    public async Task A_peers_name_is_judged_again_at_each_connection()
    {
        await using var host = await NodeHost.StartAsync(new Handler(async (_, response, aborted) =>
            await response.StartAsync(200, new() { { "connection", "close" } }, aborted)));
        var name = new ChangingName(IPAddress.Loopback, IPAddress.Parse("10.0.0.1"));
        using var client = Clients.New(Clients.Development with { Resolve = name.ResolveAsync });
        var target = new PeerTarget(new Uri($"http://localhost:{host.Endpoint.Port}"), null);

        await using (var reply = await client.SendAsync(target, WireRequest.Get("/"), Clients.Soon))
        {
            Assert.Equal(200, reply.Status);
            await reply.ReadAllAsync(1, Clients.Soon);
        }

        var failure = await Assert.ThrowsAsync<WireException>(
            () => client.SendAsync(target, WireRequest.Get("/"), Clients.Soon));
        Assert.Equal((Fault.Theirs, WireCodes.AddressRefused), (failure.Fault, failure.Code));
        Assert.Equal(2, name.Asked);
    }

    /// <summary>One answer the first time, another from then on.</summary>
    private sealed class ChangingName(IPAddress first, IPAddress later)
    {
        public int Asked { get; private set; }

        public Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation) =>
            Task.FromResult<IPAddress[]>([Asked++ == 0 ? first : later]);
    }
}
