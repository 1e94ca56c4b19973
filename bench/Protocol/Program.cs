using System.Diagnostics;
using System.Globalization;
using Souk.Protocol;
using Souk.Protocol.Bench;

// Vouchers issued and verified per second on one core, beside the bare signature operation of the same library. Both
// take turns in short rounds and are timed by the processor time that they took, and the ratio is the median over the
// rounds, so that other work on the machine disturbs little.
// usage: dotnet run -c Release --project bench/Protocol [-- ROUNDS]
int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 60;
var digest = Keccak256.Hash("a digest"u8).ToBytes();
var secret = Keccak256.Hash("a key"u8).ToBytes();
var escrow = new EscrowDomain(31337, Address.Parse("0x4020000000000000000000000000000000000001"));
var channel = Keccak256.Hash("a channel"u8);

Console.WriteLine("| library | operation | per second, core | bytes | beside | per second, core | bytes | ratio |");
Console.WriteLine("|---|---|---|---|---|---|---|---|");
if (Secp256k1.Native is { } native)
{
    Compare(native, new RawNative(digest, secret));
}

Compare(Secp256k1.Managed, new RawManaged(digest, secret));
return 0;

void Compare(ISecp256k1 library, IRawOperations raw)
{
    using var key = PrivateKey.FromBytes(secret, library);
    uint units = 0;
    Row(raw.Library, "issue", "signing", () => Voucher.Sign(key, escrow, channel, new Amount(++units)), raw.Sign);

    // Ever other vouchers, as on a channel in use.
    var vouchers = Enumerable.Range(1, 64)
        .Select(i => Voucher.Sign(key, escrow, channel, new Amount((uint)i))).ToArray();
    void VerifyNext() => Verify(vouchers[++units % 64], key.Address, library);
    Row(raw.Library, "verify", "finding the key", VerifyNext, raw.Recover);
    Row(raw.Library, "finding the key", "checking with a known key", raw.Recover, raw.Verify);
}

void Verify(Voucher voucher, Address signer, ISecp256k1 library)
{
    if (voucher.Signer(escrow, library) != signer)
    {
        throw new InvalidOperationException("A good voucher was refused.");
    }
}

void Row(string library, string verb, string operation, Action ours, Action bare)
{
    // Once around without counting, so that both are compiled for speed.
    Time(ours, 3000);
    Time(bare, 3000);
    var (times, bareTimes) = (new double[rounds], new double[rounds]);
    for (int i = 0; i < rounds; i++)
    {
        times[i] = Time(ours, 500);
        bareTimes[i] = Time(bare, 500);
    }

    var ratio = Median([.. times.Zip(bareTimes, (one, other) => other / one)]);
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {library} | {verb} | {1 / Median(times):N0} | {Allocated(ours):N0} | {operation} "
        + $"| {1 / Median(bareTimes):N0} | {Allocated(bare):N0} | {ratio:F2} |"));
}

static double Time(Action operation, int count)
{
    var before = Process.GetCurrentProcess().TotalProcessorTime;
    for (int i = 0; i < count; i++)
    {
        operation();
    }

    return (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds / count;
}

static double Allocated(Action operation)
{
    var before = GC.GetAllocatedBytesForCurrentThread();
    for (int i = 0; i < 1000; i++)
    {
        operation();
    }

    return (GC.GetAllocatedBytesForCurrentThread() - before) / 1000.0;
}

static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
