using System.CommandLine;
using Souk.Chain.Deployment;
using Souk.Chain.Keystore;
using Souk.Chain.Rpc;
using Souk.Chain.Transactions;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.Cli.Commands;

/// <summary><c>deploy</c>: the contracts on any EVM chain, and the network file that describes them.</summary>
internal static class DeployCommand
{
    private static readonly Option<string[]> Rpc = new("--rpc")
    {
        Description = "RPC URL of the chain; give several to write them all into the network file.", Required = true,
        AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<string?> KeyRole = new("--key-role")
    {
        Description = "Key of the data folder that pays (default: 'deployer'; on a development chain its rich "
            + "account).",
    };

    private static readonly Option<FileInfo?> KeystorePath = new("--keystore")
    {
        Description = "Keystore file (Web3 Secret Storage) of the key that pays, instead of --key-role.",
    };

    private static readonly Option<FileInfo?> PasswordPath = new("--password-file")
    {
        Description = "File whose first line is the keystore's password.",
    };

    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Where the network file goes (default: network-CHAINID.json in the working folder).",
    };

    private static readonly Option<string?> Currency = new("--currency")
    {
        Description = "ERC-20 with EIP-3009 that is paid with, such as USDC. Development chains get play money "
            + "without it.",
    };

    private static readonly Option<string?> Escrow = new("--escrow")
    {
        Description = "An x402 batch-settlement escrow that the chain has already (default: deploy ours).",
    };

    private static readonly Option<string?> Collector = new("--collector")
    {
        Description = "That escrow's collector of EIP-3009 deposits, by which plain x402 clients pay (default: deploy "
            + "ours for the escrow).",
    };

    private static readonly Option<string[]> Indexer = new("--indexer")
    {
        Description = "Indexer to write into the network file.", DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = true,
    };

    public static Command Deploy(Screen screen) => new Command(
        "deploy", "Put the contracts on an EVM chain, each at the address that its code decides. Running it again "
            + "changes nothing.")
    {
        Rpc, KeyRole, KeystorePath, PasswordPath, Out, Currency, Escrow, Collector, Indexer, SharedOptions.Json,
    }.Does(screen, async (parsed, cancellation) =>
    {
        var reply = Guarded.Reply(parsed, screen);
        if (!Plan(parsed).TryGet(out var plan, out var refusal))
        {
            return reply.Refuse(refusal);
        }

        var urls = plan.RpcUrls.Select(url => new Uri(url)).ToList();
        using var chain = await RpcChain.OpenAsync(urls, new RpcOptions(), TimeProvider.System, cancellation);
        if (!Key(parsed, chain.ChainId).TryGet(out var key, out refusal))
        {
            return reply.Refuse(refusal);
        }

        using (key)
        {
            await using var sender = new TransactionSender(
                chain, key, new SenderOptions { PollInterval = TimeSpan.FromMilliseconds(500) });
            var deployed = await new Deployer(chain, sender).DeployAsync(plan, cancellation);
            return deployed.TryGet(out var network, out refusal)
                ? Describe(network, parsed, reply)
                : reply.Refuse(refusal);
        }
    });

    private static int Describe(NetworkFile network, ParseResult parsed, Report reply)
    {
        var path = Path.GetFullPath(
            parsed.GetValue(Out) ?? FormattableString.Invariant($"network-{network.ChainId}.json"));
        File.WriteAllText(path, network.ToJson());
        return reply.Show(
            ("network", path),
            ("chain_id", network.ChainId),
            ("escrow", network.Escrow.ToString()),
            ("erc3009_collector", network.Erc3009Collector?.ToString()),
            ("registry", network.Registry.ToString()),
            ("vault_factory", network.VaultFactory.ToString()),
            ("currency", network.Currency.ToString()),
            ("block_time", network.BlockTime),
            ("confirmations", network.Confirmations));
    }

    private static Result<DeploymentPlan> Plan(ParseResult parsed)
    {
        var urls = parsed.GetValue(Rpc)!;
        if (urls.FirstOrDefault(
            url => !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            is { } wrong)
        {
            return new Refusal(Fault.Theirs, "rpc_url", $"'{wrong}' is no http(s) URL.");
        }

        if (!Contract(parsed, Currency).TryGet(out var currency, out var refusal)
            || !Contract(parsed, Escrow).TryGet(out var escrow, out refusal)
            || !Contract(parsed, Collector).TryGet(out var collector, out refusal))
        {
            return refusal;
        }

        return new DeploymentPlan
        {
            RpcUrls = urls, Currency = currency, Escrow = escrow, Collector = collector,
            Indexers = parsed.GetValue(Indexer)!,
        };
    }

    private static Result<Address?> Contract(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) switch
    {
        null => (Address?)null,
        { } text when Address.TryParse(text, out var address) => (Address?)address,
        { } text => new Refusal(Fault.Theirs, "address", $"'{text}' ({option.Name}) is no address."),
    };

    private static Result<PrivateKey> Key(ParseResult parsed, ulong chainId)
    {
        if (parsed.GetValue(KeystorePath) is { } keystore)
        {
            return parsed.GetValue(PasswordPath) is { } password
                ? WellKnownKeys.Guard(
                    KeystoreFile.Open(keystore.FullName, File.ReadLines(password.FullName).FirstOrDefault() ?? ""),
                    chainId)
                : new Refusal(
                    Fault.Theirs, "password_missing", "Give the keystore's password with --password-file FILE.");
        }

        var keys = new NodeKeys(
            new DataDirectory(parsed.GetValue(SharedOptions.Data)!), new SystemRandomness(), chainId);
        var role = parsed.GetValue(KeyRole);
        return role is null && !keys.Has("deployer") && WellKnownKeys.IsDevelopment(chainId)
            ? WellKnownKeys.Development(chainId)
            : keys.Open(role ?? "deployer");
    }
}
