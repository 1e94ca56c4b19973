using System.Diagnostics.CodeAnalysis;

namespace Souk.Protocol;

/// <summary>A message that one side signs and the other keeps as evidence.</summary>
public interface ISoukMessage
{
    /// <summary>The EIP-712 struct hash of every field.</summary>
    Bytes32 StructHash();

    /// <summary>
    /// What makes the message unfit to sign or to read whatever the circumstances; null when it is fit.
    /// </summary>
    Refusal? Flaw() => null;
}

/// <summary>A message and its signature.</summary>
/// <param name="Message">What is said.</param>
/// <param name="Signature">By whom, once recovered.</param>
[SuppressMessage("Naming", "CA1720", Justification = "A signed message, not the signed kind of a number.")]
public sealed record Signed<T>(T Message, Signature Signature)
    where T : ISoukMessage
{
    /// <summary>What is said.</summary>
    public T Message { get; init; } = Message
        ?? throw new ArgumentNullException(nameof(Message), "There is no message under the signature.");

    /// <summary>What is signed.</summary>
    public Bytes32 Digest(SoukDomain domain)
    {
        ArgumentNullException.ThrowIfNull(domain);
        return Eip712.Digest(domain.Domain, Message.StructHash());
    }

    /// <summary>Who signed it; null when the signature is none.</summary>
    public Address? Signer(SoukDomain domain) => Secp256k1.Recover(Digest(domain), Signature);

    /// <summary>True when <paramref name="signer"/> signed it.</summary>
    public bool IsSignedBy(Address signer, SoukDomain domain) => Secp256k1.Verify(Digest(domain), Signature, signer);

    /// <summary>Signs a message.</summary>
    /// <exception cref="ArgumentException">The message is flawed: nobody would read it.</exception>
    [SuppressMessage("Design", "CA1000", Justification = "Reads as what it makes: Signed<Offer>.Sign(...).")]
    public static Signed<T> Sign(T message, PrivateKey key, SoukDomain domain)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(domain);
        return message.Flaw() is { } flaw
            ? throw new ArgumentException(flaw.Message, nameof(message))
            : new Signed<T>(message, key.Sign(Eip712.Digest(domain.Domain, message.StructHash())));
    }
}

/// <summary>Signing where the message type is inferred.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "A signed message, not the signed kind of a number.")]
public static class Signed
{
    /// <summary>Signs a message; see <see cref="Signed{T}.Sign"/>.</summary>
    public static Signed<T> Sign<T>(T message, PrivateKey key, SoukDomain domain)
        where T : ISoukMessage => Signed<T>.Sign(message, key, domain);
}
