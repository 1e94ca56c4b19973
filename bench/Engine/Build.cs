using System.Reflection;

namespace Souk.Bench.Engine;

/// <summary>What is measured.</summary>
internal static class Build
{
    /// <summary>The commit that this program was built at, as the compiler wrote it down.</summary>
    public static string Commit { get; } = typeof(Build).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[^1] ?? "";
}
