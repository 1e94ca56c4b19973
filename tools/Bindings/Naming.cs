namespace Souk.Bindings;

/// <summary>Solidity names as C# writes them.</summary>
internal static class Naming
{
    /// <summary>deposit and MIN_WITHDRAW_DELAY become Deposit and MinWithdrawDelay.</summary>
    public static string Pascal(string name)
    {
        var words = name.Split('_', StringSplitOptions.RemoveEmptyEntries);
        var isShouted = words.Length > 1 && !name.Any(char.IsLower);
        return string.Concat(words.Select(word =>
            char.ToUpperInvariant(word[0]) + (isShouted ? word[1..].ToLowerInvariant() : word[1..])));
    }

    /// <summary>A property or tuple element; unnamed ones are numbered.</summary>
    public static string Member(AbiParameter parameter, int index) =>
        parameter.Name.Trim('_').Length == 0 ? $"Value{index}" : Pascal(parameter.Name);

    /// <summary>A method parameter, safe where Solidity uses a word that C# reserves.</summary>
    public static string Argument(AbiParameter parameter, int index) =>
        parameter.Name.Trim('_').Length == 0 ? $"value{index}" : $"@{parameter.Name}";
}
