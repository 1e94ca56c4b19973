using Souk.Chain.Bindings;
using Souk.Chain.Codec;
using Souk.Protocol;

namespace Souk.Chain.Tests.Bindings;

public sealed class BindingTests
{
    private static readonly Address Somebody = Address.Parse("0x00000000000000000000000000000000000000ab");

    // Selectors and topic of ERC-20, as every wallet and explorer knows them.
    [Fact]
    public void Calls_and_events_of_a_currency_are_those_of_ERC_20()
    {
        Assert.Equal(
            "a9059cbb00000000000000000000000000000000000000000000000000000000000000ab"
            + "0000000000000000000000000000000000000000000000000000000000000005",
            Convert.ToHexStringLower(DevelopmentCurrencyContract.EncodeTransfer(Somebody, 5)));
        Assert.StartsWith(
            "70a08231", Convert.ToHexStringLower(DevelopmentCurrencyContract.EncodeBalanceOf(Somebody)),
            StringComparison.Ordinal);
        Assert.StartsWith(
            "095ea7b3", Convert.ToHexStringLower(DevelopmentCurrencyContract.EncodeApprove(Somebody, 1)),
            StringComparison.Ordinal);
        Assert.Equal(
            Bytes32.Parse("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
            DevelopmentCurrencyContract.TransferEvent.Topic);
    }

    [Fact]
    public void An_event_is_read_from_topics_and_data_and_anothers_is_none()
    {
        var to = AbiPart.Of(Somebody).Bytes;
        Bytes32[] topics = [DevelopmentCurrencyContract.TransferEvent.Topic, Bytes32.Zero, Bytes32.FromBytes(to)];
        var data = AbiPart.NonNegative(7, 256).Bytes.ToArray();

        Assert.Equal(
            new DevelopmentCurrencyContract.TransferEvent(Address.Zero, Somebody, 7),
            DevelopmentCurrencyContract.TransferEvent.Decode(topics, data));
        Assert.Null(DevelopmentCurrencyContract.ApprovalEvent.Decode(topics, data));
        Assert.Throws<AbiException>(() => DevelopmentCurrencyContract.TransferEvent.Decode(topics, data.AsMemory(1)));
    }

    [Fact]
    public void Revert_data_is_told_in_words_whatever_it_is()
    {
        byte[] panic = [0x4e, 0x48, 0x7b, 0x71, .. AbiPart.NonNegative(0x11, 256).Bytes];

        Assert.Equal(new RevertReason("Panic", "Panic(code: 17)"), ContractErrors.Read(panic));
        Assert.Equal("Unknown", ContractErrors.Read(default).Name);
        Assert.Equal("Unknown", ContractErrors.Read(new byte[] { 1, 2, 3 }).Name);
        var stranger = ContractErrors.Read(new byte[] { 1, 2, 3, 4, 5 });
        Assert.Contains("0x01020304", stranger.Text, StringComparison.Ordinal);
        Assert.Equal("Unknown", ContractErrors.Read(panic.AsMemory(0, 20)).Name);
        byte[] flood = [0x08, 0xc3, 0x79, 0xa0, .. AbiPart.Sequence(AbiPart.Of(new string('x', 100_000)))];
        Assert.InRange(ContractErrors.Read(flood).Text.Length, 100, 700);
    }
}
