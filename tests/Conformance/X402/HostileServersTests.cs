using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Souk.Conformance.Composition;
using Souk.Conformance.Sdk;
using Souk.Gateway.X402;
using Souk.Protocol;
using Souk.Wire;
using Souk.Wire.Http;
using Souk.Wire.X402;

namespace Souk.Conformance.X402;

/// <summary>x402 servers that attack by HTTP itself, over real sockets: the gateway follows no redirect with a voucher
/// in hand, reads no endless header or body, and pays nobody whose certificate nobody vouches for.</summary>
public sealed class HostileServersTests : IAsyncLifetime
{
    private const int Price = 1_000;
    private readonly PrivateKey _payTo = PrivateKey.FromBytes(Enumerable.Repeat((byte)0x52, 32).ToArray());
    private readonly string _folder = Directory.CreateTempSubdirectory("souk-hostile-").FullName;
    private readonly List<IAsyncDisposable> _servers = [];
    private readonly int[] _ports = [.. Enumerable.Range(0, 6).Select(_ => Places.OnePort())];
    private int _thief;
    private MarketNetwork _network = null!;
    private string _key = "";

    public async ValueTask InitializeAsync()
    {
        await ServeAsync(0, context => RedirectAsync(context, isPaid: false));
        await ServeAsync(1, context => RedirectAsync(context, isPaid: true));
        await ServeAsync(2, context => RefuseAsync(context, new string('A', 60_000)));
        await ServeAsync(3, EndlessAsync);
        await ServeAsync(4, context => RefuseAsync(context, Terms()), isSecure: true);
        await ServeAsync(5, context =>
        {
            _thief++;
            return RefuseAsync(context, Terms());
        });
        _network = await MarketNetwork.StartAsync(new NetworkPlan
        {
            IsCanonical = true,
            Sellers =
            [
                Seller("redirects", 0), Seller("redirects-paid", 1), Seller("giant-header", 2), Seller("endless", 3),
                Seller("foreign", 4, "https"),
            ],
        });
        await _network.Basics.ListReceiverAsync(_payTo.Address);
        _key = await _network.KeyAsync("app");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }

        await _network.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task None_of_them_gets_more_than_it_was_promised_and_no_app_pays()
    {
        Assert.Equal(["redirected", "too_large", "tls_failed"], [
            (await BuyAsync("redirects")).Error!.Code, (await BuyAsync("giant-header")).Error!.Code,
            (await BuyAsync("foreign")).Error!.Code,
        ]);

        // Nothing was opened for those that never stated terms.
        Assert.DoesNotContain(LedgerReader.Read(_network.GatewayLedger), row => row.Kind == "seller_taken");

        Assert.Equal(502, (await BuyAsync("redirects-paid")).Error!.Status);
        Assert.Equal(502, (await BuyAsync("endless")).Error!.Status);
        Assert.Equal(0, _thief);
        var rows = LedgerReader.Read(_network.GatewayLedger);
        Assert.Equal(2, rows.Count(row => row.Kind == "purchase_sent"));
        Assert.Equal(1, rows.Count(row => row.Kind == "purchase_lost"));
        Assert.Equal(1, rows.Count(row => row.Kind == "channel_frozen"));
        Assert.DoesNotContain(rows, row => row.Kind is "budget_charged" or "purchase_charged");
        Assert.Equal(0UL, (ulong)_network.Gateway.Book.ApiKeys.Values.Sum(key => (decimal)key.Reserved.Units));
    }

    private async Task<SdkOutcome> BuyAsync(string name) => Assert.Single(await DotNetSdk.RunAsync(
        _network.BaseUrl, _key, [SdkJob.Ask(name, "Hello", false, more => more["model"] = X402Seller.Prefix + name)]));

    private X402Seller Seller(string name, int server, string scheme = "http") => MarketBasics.Must(
        X402Seller.Create(name, $"{scheme}://127.0.0.1:{_ports[server]}/v1", new Amount(Price)));

    private async Task ServeAsync(int server, Func<HttpContext, Task> answer, bool isSecure = false)
    {
        var certificates = isSecure
            ? NodeCertificateStore.Open(Path.Combine(_folder, "certificates"), TimeProvider.System)
            : null;
        _servers.Add(await LoopbackServer.StartAsync(
            _ports[server], certificates, new WireLimits(), NullLoggerFactory.Instance, static _ => { },
            routes => ((WebApplication)routes).Run(context => answer(context))));
    }

    private Task RedirectAsync(HttpContext context, bool isPaid)
    {
        if (isPaid && !context.Request.Headers.ContainsKey(X402Header.Payment))
        {
            return RefuseAsync(context, Terms());
        }

        // 307 keeps method, body and headers: a client that follows it hands its voucher over.
        context.Response.StatusCode = 307;
        context.Response.Headers.Location = $"http://127.0.0.1:{_ports[5]}/v1/chat/completions";
        return Task.CompletedTask;
    }

    private async Task EndlessAsync(HttpContext context)
    {
        if (!context.Request.Headers.ContainsKey(X402Header.Payment))
        {
            await RefuseAsync(context, Terms());
            return;
        }

        var piece = new byte[64 << 10];
        Array.Fill(piece, (byte)' ');
        while (!context.RequestAborted.IsCancellationRequested)
        {
            try
            {
                await context.Response.Body.WriteAsync(piece, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static Task RefuseAsync(HttpContext context, string required)
    {
        context.Response.StatusCode = 402;
        context.Response.Headers[X402Header.Required] = required;
        return context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes("{}")).AsTask();
    }

    private string Terms() => new PaymentRequired(
        null, new ResourceInfo("http://seller.example"),
        [
            new PaymentRequirements(
                LoopbackChain.ChainId, new Amount(Price), _network.Basics.Network.Currency, _payTo.Address, 60,
                new BatchExtra(_payTo.Address, ChannelConfig.MinWithdrawDelay, "Souk Development Dollar", "1")),
        ]).ToHeader();
}
