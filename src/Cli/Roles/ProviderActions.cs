using System.CommandLine;
using System.Globalization;
using Souk.Chain;
using Souk.Cli.Commands;
using Souk.Cli.Hosting;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Cli.Up;
using Souk.Protocol;

namespace Souk.Cli.Roles;

/// <summary>What a provider's owner does at the registry. The owner signs and needs no gas; the gas key
/// sends.</summary>
internal static class ProviderActions
{
    private static readonly string[] Payers = ["gas", "provider", "deployer"];

    private static readonly Option<string> Endpoint = new("--endpoint")
    {
        Description = "Where gateways reach this machine, such as https://203.0.113.7:8082; its certificate is made "
            + "and pinned by the node itself.",
        Required = true,
    };

    private static readonly Option<uint?> Delay = new("--unbonding-delay")
    {
        Description = "Seconds in which stake can still be slashed after it starts to leave (default: 3600 at first).",
    };

    private static readonly Option<string?> Court = new("--court")
    {
        Description = "Contract that may slash the stake (default: nobody at first).",
    };

    private static readonly Argument<string> HowMuch = new("amount") { Description = "Decimal of the whole currency." };

    private static readonly Option<string> From = new("--from")
    {
        Description = "Key that holds the currency; it needs no gas.", DefaultValueFactory = static _ => "provider",
    };

    /// <summary>Gives them to <c>provider</c>.</summary>
    public static void AddTo(Command provider, Screen screen)
    {
        provider.Subcommands.Add(Register(screen));
        provider.Subcommands.Add(Stake(screen));
        provider.Subcommands.Add(Simple(
            screen, "leave",
            "Leave the registry after the unbonding delay; the stake comes free then too.",
            static _ => new Leave()));
        provider.Subcommands.Add(Simple(
            screen, "release", "Pay the stake that has finished unbonding out to the owner's address.",
            static secrets => new ReleaseStake(secrets.Owner.Address)));
        provider.Subcommands.Add(Unstake(screen));
        provider.Subcommands.Add(Claim(screen));
        provider.Subcommands.Add(Show(screen));
    }

    private static Command Register(Screen screen) =>
        new Command("register", "Enter the registry, or bring the entry up to date. Makes the keys that are missing.")
        {
            Endpoint, Delay, Court, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            Address? court = null;
            if (parsed.GetValue(Court) is { } named)
            {
                if (!Address.TryParse(named, out var given))
                {
                    return reply.Refuse(new Refusal(Fault.Theirs, "address", $"'{named}' (--court) is no address."));
                }

                court = given;
            }

            if (!(await OpenAsync(session, parsed, cancellation)).TryGet(out var owner, out var refusal))
            {
                return reply.Refuse(refusal);
            }

            var failed = await owner.Registration.EnsureAsync(
                parsed.GetValue(Endpoint)!, parsed.GetValue(Delay), court, cancellation);
            return failed is not null ? reply.Refuse(failed)
                : await ShowAsync(session, owner.Secrets, reply, cancellation);
        });

    private static Command Stake(Screen screen) =>
        new Command(
            "stake", "Add to the stake: gateways trust a provider with stake further. The currency moves by signature.")
        {
            HowMuch, From, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!session.Amount(parsed.GetValue(HowMuch)!).TryGet(out var amount, out var refusal)
                || !session.Keys.Open(parsed.GetValue(From)!).TryGet(out var holder, out refusal)
                || !(await OpenAsync(session, parsed, cancellation)).TryGet(out var owner, out refusal)
                || !(await session.StakeAsync(holder, owner.Secrets.Owner.Address, amount, owner.Payer, cancellation))
                    .TryGet(out _, out refusal))
            {
                return reply.Refuse(refusal);
            }

            return await ShowAsync(session, owner.Secrets, reply, cancellation);
        });

    private static Command Unstake(Screen screen) =>
        new Command(
            "unstake", "Start to take stake back; 'souk provider release' pays it out after the unbonding delay.")
        {
            HowMuch, SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json,
        }.DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
        {
            if (!session.Amount(parsed.GetValue(HowMuch)!).TryGet(out var amount, out var refusal)
                || !(await OpenAsync(session, parsed, cancellation)).TryGet(out var owner, out refusal)
                || !(await owner.Registration.DoAsync([new UnbondStake(amount)], cancellation)).TryGet(
                    out _, out refusal))
            {
                return reply.Refuse(refusal);
            }

            return await ShowAsync(session, owner.Secrets, reply, cancellation);
        });

    private static Command Simple(
        Screen screen, string name, string description, Func<ProviderSecrets, MarketAction> action) =>
        new Command(name, description) { SharedOptions.GasRole, SharedOptions.Network, SharedOptions.Json }
            .DoesOnNetwork(screen, async (session, parsed, reply, cancellation) =>
            {
                if (!(await OpenAsync(session, parsed, cancellation)).TryGet(out var owner, out var refusal)
                    || !(await owner.Registration.DoAsync([action(owner.Secrets)], cancellation)).TryGet(
                        out _, out refusal))
                {
                    return reply.Refuse(refusal);
                }

                return await ShowAsync(session, owner.Secrets, reply, cancellation);
            });

    private static Command Claim(Screen screen) =>
        new Command(
            "claim",
            "Have the running provider claim and pay out everything now, whatever the gas.") { SharedOptions.Json }
            .Does(screen, async (parsed, cancellation) =>
            {
                var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
                if (RunningFile.Find(data, "provider") is null || AdminAccess.Find(data, "provider") is not { } link)
                {
                    screen.Error($"No provider runs on {data.Root}. Start it with 'souk provider'.");
                    return ExitCodes.NotRunning;
                }

                using (link)
                {
                    var nothing = new Dictionary<string, object>();
                    return AdminAccess.Print(
                        await link.PostAsync(OwnerDoor.ClaimPath, nothing, cancellation), parsed, screen);
                }
            });

    private static Command Show(Screen screen) =>
        new Command("show", "Show the registry's entry.") { SharedOptions.Network, SharedOptions.Json }
            .DoesOnNetwork(screen, async (session, _, reply, cancellation) =>
                ProviderSecrets.Open(session.Keys).TryGet(out var secrets, out var refusal)
                    ? await ShowAsync(session, secrets, reply, cancellation)
                    : reply.Refuse(refusal));

    private static async Task<Result<Owner>> OpenAsync(
        NetworkSession session, ParseResult parsed, CancellationToken cancellation)
    {
        if (!ProviderSecrets.Open(session.Keys).TryGet(out var secrets, out var refusal)
            || !(await session.PayerAsync(parsed.GetValue(SharedOptions.GasRole), Payers, cancellation))
                .TryGet(out var payer, out refusal))
        {
            return refusal;
        }

        return new Owner(secrets, payer, new ProviderRegistration(session, secrets, payer));
    }

    private static async Task<int> ShowAsync(
        NetworkSession session, ProviderSecrets secrets, Report reply, CancellationToken cancellation) =>
        (await ProviderRegistration.EntryAsync(session, secrets.Owner.Address, cancellation)).TryGet(
            out var entry, out var refusal)
            ? reply.Show(
                ("provider", entry.Provider.ToString()),
                ("active", entry.IsActive),
                ("leaves_at", Time(entry.LeavesAt)),
                ("endpoint", entry.Endpoint),
                ("stake", session.Text(entry.Stake)),
                ("unbonding", session.Text(entry.Unbonding)),
                ("release_at", Time(entry.ReleaseAt)),
                ("unbonding_delay", entry.Delay),
                ("court", entry.Court.IsZero ? null : entry.Court.ToString()),
                ("payout", entry.Current.Keys.Payout.ToString()),
                ("node", entry.Current.Keys.Node.ToString()),
                ("authorizer", entry.Current.Keys.Authorizer.ToString()),
                ("gas", entry.Current.Keys.Gas.ToString()))
            : reply.Refuse(refusal);

    private static string? Time(ulong seconds) => seconds == 0
        ? null
        : DateTimeOffset.FromUnixTimeSeconds((long)seconds).ToString(
            "yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private sealed record Owner(ProviderSecrets Secrets, Payer Payer, ProviderRegistration Registration);
}
