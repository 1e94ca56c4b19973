namespace Souk.Chain.Codec;

/// <summary>Bytes that are not what the ABI promised; the only thing the decoder throws.</summary>
public sealed class AbiException(string message) : Exception(message);
