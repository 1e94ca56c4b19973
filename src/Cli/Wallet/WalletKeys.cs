using System.CommandLine;
using Souk.Chain.Keystore;
using Souk.Cli.Commands;
using Souk.Cli.Output;
using Souk.Cli.State;
using Souk.Protocol;
using Souk.Wire.Adapters;

namespace Souk.Cli.Wallet;

/// <summary><c>wallet new</c>, <c>import</c>, <c>list</c>: the keystores of the data folder.</summary>
internal static class WalletKeys
{
    private const int MostKeyLetters = 80;

    private static readonly Argument<string> Role = new("role")
    {
        Description = "Name of the key: 'customer' owns the vault, 'gateway' signs vouchers, 'provider' owns the "
            + "stake, 'gas' and 'deployer' pay for transactions; any other name is yours.",
    };

    public static Command New(Screen screen) =>
        new Command("new", "Make a key.") { Role, SharedOptions.Json }.Does(screen, (parsed, _) =>
        {
            var reply = Guarded.Reply(parsed, screen);
            var role = parsed.GetValue(Role)!;
            return Task.FromResult(Keys(parsed).Create(role).TryGet(out var address, out var refusal)
                ? reply.Show(("role", role), ("address", address.ToString()))
                : reply.Refuse(refusal));
        });

    public static Command Import(Screen screen)
    {
        var file = new Option<FileInfo?>("--key-file")
        {
            Description = "File with the private key in hex (default: standard input, so that it is in no list of "
                + "processes).",
        };
        var keystore = new Option<FileInfo?>(
            "--keystore") { Description = "Keystore file (Web3 Secret Storage) to take it from." };
        var password = new Option<FileInfo?>(
            "--password-file") { Description = "File whose first line is the keystore's password." };
        var command = new Command("import", "Take a key from elsewhere; none is ever overwritten.")
        {
            Role, file, keystore, password, SharedOptions.Json,
        };
        return command.Does(screen, async (parsed, cancellation) =>
        {
            var reply = Guarded.Reply(parsed, screen);
            var given = parsed.GetValue(keystore) is { } path
                ? KeystoreFile.Open(path.FullName, FirstLine(parsed.GetValue(password)))
                : Parse(parsed.GetValue(file) is { } text
                    ? FirstLine(text)
                    : await Console.In.ReadLineAsync(cancellation) ?? "");
            var role = parsed.GetValue(Role)!;
            return Keys(parsed).Import(role, given).TryGet(out var address, out var refusal)
                ? reply.Show(("role", role), ("address", address.ToString()))
                : reply.Refuse(refusal);
        });
    }

    public static Command List(Screen screen) =>
        new Command("list", "Show the keys of the data folder and their addresses.") { SharedOptions.Json }
            .Does(screen, (parsed, _) =>
            {
                var reply = Guarded.Reply(parsed, screen);
                var keys = Keys(parsed);
                List<IReadOnlyDictionary<string, object?>> rows = [];
                foreach (var role in keys.Roles())
                {
                    var opened = keys.Open(role);
                    rows.Add(new Dictionary<string, object?>
                    {
                        ["role"] = role,
                        ["address"] = opened.IsOk ? opened.Value.Address.ToString() : opened.Refusal!.Message,
                    });
                    if (opened.IsOk)
                    {
                        opened.Value.Dispose();
                    }
                }

                return Task.FromResult(reply.Show(("keys", rows)));
            });

    // The chain counts where the folder knows one: without it, well-known keys are refused.
    private static NodeKeys Keys(ParseResult parsed)
    {
        var data = new DataDirectory(parsed.GetValue(SharedOptions.Data)!);
        var network = DataDirectory.Read(data.Network) is { } text ? NetworkFile.Parse(text)
            : (Result<NetworkFile>?)null;
        return new NodeKeys(data, new SystemRandomness(), network is { IsOk: true } known ? known.Value.ChainId : null);
    }

    private static string FirstLine(FileInfo? file) =>
        file is null ? "" : File.ReadLines(file.FullName).FirstOrDefault() ?? "";

    private static Result<PrivateKey> Parse(string text)
    {
        var hex = text.Trim();
        hex = hex.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? hex[2..] : hex;
        try
        {
            return hex.Length <= MostKeyLetters ? PrivateKey.FromBytes(Convert.FromHexString(hex)) : NoKey();
        }
        catch (Exception unfit) when (unfit is FormatException or ArgumentException)
        {
            return NoKey();
        }

        static Refusal NoKey() => new(Fault.Theirs, "key_malformed", "That is no private key: expected 64 hex digits.");
    }
}
