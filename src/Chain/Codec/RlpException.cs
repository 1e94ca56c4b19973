namespace Souk.Chain.Codec;

/// <summary>Bytes that are not canonical RLP; the only thing the decoder throws.</summary>
public sealed class RlpException(string message) : Exception(message);
