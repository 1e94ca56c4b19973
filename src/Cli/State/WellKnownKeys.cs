using System.Collections.Frozen;
using Souk.Protocol;

namespace Souk.Cli.State;

/// <summary>
/// Keys that everybody knows because development chains start with money on them (anvil's and Hardhat's twenty, from
/// the phrase "test test test test test test test test test test test junk"). Robots empty such accounts within seconds
/// on every other chain, so no command takes them there. This is the one place where keys are let in.
/// </summary>
internal static class WellKnownKeys
{
    // The first of them. It holds play gas money on a development chain and nothing elsewhere.
    private const string First = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    private static readonly FrozenSet<Address> Known = new[]
    {
        "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
        "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc", "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
        "0x15d34aaf54267db7d7c367839aaf71a00a2c6a65", "0x9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
        "0x976ea74026e726554db657fa54763abd0c3a0aa9", "0x14dc79964da2c08b23698b3d3cc7ca32193d9955",
        "0x23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f", "0xa0ee7a142d267c1f36714e4a8f75612f20a79720",
        "0xbcd4042de499d14e55001ccbb24a551f3b954096", "0x71be63f3384f5fb98995898a86b02fb2426c5788",
        "0xfabb0ac9d68b0b445fb7357272ff202c5651694a", "0x1cbd3b2770909d4e10f157cabc84c7264073c9ec",
        "0xdf3e18d64bc6a983f673ab319ccae4f1a57c7097", "0xcd3b766ccdd6ae721141f452c550ca635964ce71",
        "0x2546bcd3c84621e976d8185a91a922ae77ecec30", "0xbda5747bfd65f08deb54cb465eb87d40e51b197e",
        "0xdd2fd4581271e230360230f9337d5c0430bf44c0", "0x8626f6940e2eb28930efb4cef49b2d1f2c9c1199",
    }.Select(Address.Parse).ToFrozenSet();

    /// <summary>True for the chain ids of development chains; false while the chain is not known.</summary>
    public static bool IsDevelopment(ulong? chainId) => chainId is 31337 or 1337;

    /// <summary>True for an account whose key everybody knows.</summary>
    public static bool IsKnown(Address account) => Known.Contains(account);

    /// <summary>Lets a key in, or says why not: a well-known one is good on development chains only.</summary>
    /// <param name="opened">The key, or why it could not be opened.</param>
    /// <param name="chainId">The chain that it is for; null while there is none, which counts as a real one.</param>
    public static Result<PrivateKey> Guard(Result<PrivateKey> opened, ulong? chainId)
    {
        if (!opened.TryGet(out var key, out _) || IsDevelopment(chainId) || !IsKnown(key.Address))
        {
            return opened;
        }

        key.Dispose();
        return new Refusal(
            Fault.Ours, "key_well_known",
            $"{key.Address} is a development account whose key everybody knows: whatever it holds is stolen at once. "
                + "It is taken on chain ids 31337 and 1337 only; make a key of your own with 'souk wallet new'.");
    }

    /// <summary>The development account that pays for gas where money is play money.</summary>
    public static Result<PrivateKey> Development(ulong chainId) =>
        Guard(PrivateKey.FromBytes(Convert.FromHexString(First)), chainId);
}
