using System.CommandLine;
using System.Net;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Cli.Wallet;
using Souk.Gateway;
using Souk.Gateway.X402;
using Souk.Market.Pricing;
using Souk.Protocol;

namespace Souk.Cli.Roles;

/// <summary><c>gateway</c>: the OpenAI front door of one owner's money.</summary>
internal static class GatewayCommand
{
    private const int MostCatalogueBytes = 4 << 20;

    private static readonly Option<int> Port = new("--port")
    {
        Description = "Port of the OpenAI API.", DefaultValueFactory = static _ => Ports.Default.Gateway,
    };

    private static readonly Option<int> AdminPort = new("--admin-port")
    {
        Description = "Port of the owner's door, on loopback only.",
        DefaultValueFactory = static _ => Ports.Default.Admin,
    };

    private static readonly Option<string?> Vault = new("--vault")
    {
        Description = "The vault that pays (default: the data folder's own).",
    };

    private static readonly Option<string?> CataloguePlace = new("--catalogue")
    {
        Description = "Catalogue file or URL (default: the network file's). Without any, models are named "
            + "PROVIDER/DIGEST.",
    };

    private static readonly Option<string?> CatalogueSigner = new("--catalogue-signer")
    {
        Description = "Address that must have signed the catalogue (default: the network file's).",
    };

    private static readonly Option<string[]> Indexer = new("--indexer")
    {
        Description = "Indexer to ask beside those of the network file.", DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string> Deposit = new("--channel-deposit")
    {
        Description = "Currency that a new channel is funded with.", DefaultValueFactory = static _ => "1",
    };

    private static readonly Option<ulong> Slice = new("--slice")
    {
        Description = "Generated tokens that one promise to a provider covers, which is what is at risk; offers bound "
            + "it.",
        DefaultValueFactory = static _ => SlicePlan.DefaultSliceTokens,
    };

    private static readonly Option<string?> GasRole = new("--gas-role")
    {
        Description = "Key that pays the gas of withdrawals from channels (default: the gateway's own).",
    };

    private static readonly Option<string[]> AllowOrigin = new("--allow-origin")
    {
        Description = "Origin of a web page that may use the API, such as https://app.example; '*' for any "
            + "(default: none).",
        DefaultValueFactory = static _ => [], AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string[]> Seller = new("--x402")
    {
        Description = "A plain x402 server to buy from too, as MODEL=BASE-URL; apps ask for x402/MODEL. Its receiver "
            + "has to be listed by 'souk wallet receiver'.",
        DefaultValueFactory = static _ => [], AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string> SellerMost = new("--x402-most")
    {
        Description = "Most currency that one request to such a server may cost.",
        DefaultValueFactory = static _ => "0.01",
    };

    public static Command Gateway(Screen screen) =>
        new Command("gateway", "Run a gateway: any OpenAI client can use it; its API keys are budgets inside the "
            + "vault's money.")
        {
            SharedOptions.Network, RoleRun.Listen, Port, AdminPort, Vault, CataloguePlace, CatalogueSigner, Indexer,
            Deposit, Slice, GasRole, AllowOrigin, Seller, SellerMost,
        }.DoesOnNetwork(screen, (session, parsed, _, cancellation) => new RoleRun("gateway", screen).RunAsync(
            session,
            parsed,
            new Ports(parsed.GetValue(Port), parsed.GetValue(AdminPort), 0, 0, 0),
            (start, stop) => StartAsync(start, parsed, stop),
            cancellation));

    private static async Task<Result<RoleRun.Started>> StartAsync(
        RoleRun.Start start, ParseResult parsed, CancellationToken cancellation)
    {
        var session = start.Session;
        var token = GatewaySetup.AdminToken(session.Data, session.Randomness);
        if (!VaultCommand.Find(session, parsed.GetValue(Vault)).TryGet(out var vault, out var refusal)
            || !(await VaultCommand.DescribeAsync(session, vault, cancellation)).TryGet(out _, out refusal)
            || !session.Keys.Open(VaultCommand.HotRole).TryGet(out var hot, out refusal)
            || !session.Amount(parsed.GetValue(Deposit)!).TryGet(out var deposit, out refusal)
            || !Sellers(session, parsed).TryGet(out var sellers, out refusal)
            || !(await CatalogueAsync(session, parsed, cancellation)).TryGet(out var catalogue, out refusal))
        {
            return refusal;
        }

        PrivateKey? gas = null;
        if (parsed.GetValue(GasRole) is { } role && !session.Keys.Open(role).TryGet(out gas, out refusal))
        {
            return refusal;
        }

        var options = new GatewayOptions
        {
            Vault = vault,
            HotKey = hot,
            GasKey = gas,
            Indexers = parsed.GetValue(Indexer)!,
            Catalogue = catalogue.Signed,
            CatalogueSigner = catalogue.Signer,
            AdminTokenHash = Sha.Hash(System.Text.Encoding.UTF8.GetBytes(token)),
            ChannelDeposit = deposit,
            SliceTokens = parsed.GetValue(Slice),
            AllowedOrigins = parsed.GetValue(AllowOrigin)!,
            Sellers = sellers,
        };
        if (options.Problems() is { Count: > 0 } problems)
        {
            return new Refusal(Fault.Theirs, "options", string.Join(" ", problems));
        }

        var (port, admin) = (parsed.GetValue(Port), parsed.GetValue(AdminPort));
        var running = await RoleHosts.GatewayAsync(
            start.Shared, options, start.Address, port, admin, null, cancellation);
        return running.TryGet(out var gateway, out refusal)
            ? new RoleRun.Started(
                gateway.Role,
                [
                    ("base URL", $"http://{Reached(start.Address)}:{port}/v1"),
                    ("vault", vault.ToString()),
                    ("catalogue", catalogue.Signed?.Message.Name ?? "none: models are named PROVIDER/DIGEST"),
                    ("API keys", "make one with 'souk keys create NAME --budget AMOUNT'"),
                ])
            : refusal;
    }

    private static Result<List<X402Seller>> Sellers(NetworkSession session, ParseResult parsed)
    {
        List<X402Seller> sellers = [];
        foreach (var text in parsed.GetValue(Seller)!)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
            {
                return new Refusal(Fault.Theirs, "x402_seller", $"'{text}' (--x402) is not MODEL=BASE-URL.");
            }

            if (!session.Amount(parsed.GetValue(SellerMost)!).TryGet(out var most, out var refusal)
                || !X402Seller.Create(text[..equals], text[(equals + 1)..], most).TryGet(out var seller, out refusal))
            {
                return refusal;
            }

            sellers.Add(seller);
        }

        return sellers;
    }

    private static IPAddress Reached(IPAddress address) => address.Equals(IPAddress.Any) ? IPAddress.Loopback : address;

    private static async Task<Result<ChosenCatalogue>> CatalogueAsync(
        NetworkSession session, ParseResult parsed, CancellationToken cancellation)
    {
        var place = parsed.GetValue(CataloguePlace) ?? session.Network.Catalogue;
        if (place is null)
        {
            return new ChosenCatalogue(null, null);
        }

        var signer = session.Network.CatalogueSigner;
        if (parsed.GetValue(CatalogueSigner) is { } named)
        {
            if (!Address.TryParse(named, out var given))
            {
                return new Refusal(Fault.Theirs, "address", $"'{named}' (--catalogue-signer) is no address.");
            }

            signer = given;
        }

        if (signer is null)
        {
            return new Refusal(
                Fault.Theirs, "catalogue_signer",
                "A catalogue is worth what its signer is: say who must have signed it with --catalogue-signer "
                    + "ADDRESS.");
        }

        if (!(await NetworkSource.BytesAsync(place, MostCatalogueBytes, cancellation)).TryGet(
            out var bytes, out var refusal)
            || !SoukJson.Parse<Signed<CatalogueDocument>>(bytes).TryGet(out var signed, out refusal))
        {
            return refusal;
        }

        return new ChosenCatalogue(signed, signer);
    }

    private sealed record ChosenCatalogue(Signed<CatalogueDocument>? Signed, Address? Signer);
}
