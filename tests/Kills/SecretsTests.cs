using System.Text;
using Souk.Protocol;

namespace Souk.Kills;

/// <summary>
/// Whatever happens to roles, neither their private keys nor what opens them, nor apps' credentials, are anywhere but
/// where they are kept: not in logs, ledgers or what a failing program prints.
/// </summary>
public sealed class SecretsTests
{
    private const int Questions = 12;

    [Fact]
    public async Task No_secret_is_in_logs_ledgers_or_the_output_of_roles_that_fail()
    {
        await using var network = await KilledNetwork.StartAsync();
        string key;
        using (var admin = network.Admin())
        {
            key = await admin.CreateKeyAsync("app", "10");
        }

        await AskAsync(network, key);
        await network.KillAsync("gateway");
        await network.StartAsync("gateway");
        await AskAsync(network, key);
        // Ledgers that turn to rubbish under running roles, and that roles then have to start on.
        foreach (var (role, ledger) in new[] { ("gateway", network.GatewayLedger), ("provider",
            network.ProviderLedger) })
        {
            await File.WriteAllBytesAsync(ledger, new byte[8192]);
            await AskAsync(network, key, mayFail: true);
            await network.KillAsync(role);
            await File.WriteAllBytesAsync(ledger, new byte[8192]);
            await File.WriteAllBytesAsync(ledger + "-wal", new byte[8192]);
            var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => network.StartAsync(role));
            network.Printed.Add(failed.Message);
        }

        Assert.True(network.Printed.Sum(text => text.Length) > 200);
        var secrets = network.Secrets.SelectMany(Forms)
            .Concat([.. Texts(RoleFolder.Password), .. Texts(key), .. Texts(network.AdminToken)]).ToList();
        var printed = Encoding.UTF8.GetBytes(string.Join('\n', network.Printed));
        Assert.DoesNotContain(secrets, secret => printed.AsSpan().IndexOf(secret) >= 0);
        var files = Directory.GetFiles(network.Folder, "*", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}keys{Path.DirectorySeparatorChar}",
                StringComparison.Ordinal) && Path.GetFileName(file) != "admin.token"
                    && Path.GetExtension(file) != ".lock").ToList();
        Assert.Contains(files, file => file.EndsWith("gateway.log", StringComparison.Ordinal));
        Assert.All(files, file =>
        {
            var bytes = File.ReadAllBytes(file);
            Assert.False(secrets.Exists(secret => bytes.AsSpan().IndexOf(secret) >= 0), file);
        });
    }

    private static async Task AskAsync(KilledNetwork network, string key, bool mayFail = false)
    {
        await using var apps = new Apps(network, key, apps: 2, first: 0);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(mayFail ? 3 : 60));
        while (apps.Answered < Questions && !patience.IsCancellationRequested)
        {
            await Task.Delay(50);
        }

        Assert.True(mayFail || apps.Answered >= Questions);
    }

    private static IEnumerable<byte[]> Forms(PrivateKey key)
    {
        var bytes = new byte[32];
        key.CopyTo(bytes);
        return [bytes, .. Texts(Convert.ToHexString(bytes)), .. Texts(Convert.ToHexStringLower(bytes)),
            .. Texts(Convert.ToBase64String(bytes).TrimEnd('='))];
    }

    private static byte[][] Texts(string text) => [Encoding.UTF8.GetBytes(text)];
}
