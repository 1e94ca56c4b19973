using System.Globalization;
using Souk.Protocol;

namespace Souk.Wire.Paid;

/// <summary>Compact header values: fields in order, parted by semicolons.</summary>
internal static class PaidText
{
    /// <summary>The longest header value that is read.</summary>
    public const int MostCharacters = 1024;

    public static string Write(Voucher voucher) =>
        $"{voucher.ChannelId};{voucher.MaxClaimable};{voucher.Signature}";

    public static bool TryRead(string text, out Voucher voucher)
    {
        voucher = null!;
        var parts = text.Split(';');
        if (parts.Length != 3
            || !Bytes32.TryParse(parts[0], out var channel)
            || !Amount.TryParse(parts[1], out var ceiling)
            || !Signature.TryParse(parts[2], out var signature))
        {
            return false;
        }

        voucher = new(channel, ceiling, signature);
        return true;
    }

    public static string Write(ChannelConfig c) => string.Create(
        CultureInfo.InvariantCulture,
        $"{c.Payer};{c.PayerAuthorizer};{c.Receiver};{c.ReceiverAuthorizer};{c.Token};{c.WithdrawDelay};{c.Salt}");

    public static bool TryRead(string text, out ChannelConfig config)
    {
        config = null!;
        var parts = text.Split(';');
        if (parts.Length != 7
            || !Address.TryParse(parts[0], out var payer)
            || !Address.TryParse(parts[1], out var payerAuthorizer)
            || !Address.TryParse(parts[2], out var receiver)
            || !Address.TryParse(parts[3], out var receiverAuthorizer)
            || !Address.TryParse(parts[4], out var token)
            || !uint.TryParse(parts[5], NumberStyles.None, CultureInfo.InvariantCulture, out var delay)
            || !Bytes32.TryParse(parts[6], out var salt))
        {
            return false;
        }

        config = new(payer, payerAuthorizer, receiver, receiverAuthorizer, token, delay, salt);
        return true;
    }

    public static string Write(Continuation c) => string.Create(
        CultureInfo.InvariantCulture, $"{c.Key.K0:x8}{c.Key.K1:x8}{c.Key.K2:x8}{c.Key.K3:x8};{c.Choice};{c.Position}");

    public static bool TryRead(string text, out Continuation continuation)
    {
        continuation = null!;
        var parts = text.Split(';');
        if (parts.Length != 3
            || !UInt128.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var key)
            || parts[0].Length != 32
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var choice)
            || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            || choice > Continuation.MostChoice
            || position > Continuation.MostPosition)
        {
            return false;
        }

        var words = new SamplingKey(Word(key, 96), Word(key, 64), Word(key, 32), Word(key, 0));
        continuation = new(words, choice, position);
        return true;
    }

    private static uint Word(UInt128 key, int shift) => (uint)((key >> shift) & uint.MaxValue);
}
