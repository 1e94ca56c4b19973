namespace Souk.Engines.Grammar;

/// <summary>A schema that cannot become a grammar: it says something that is not supported, asks for too much, or
/// allows no value at all. Caught where a grammar is compiled, and turned into a refusal there.</summary>
internal sealed class GrammarRefusal(string message) : Exception(message);
