namespace Souk.Simulation.Planted;

/// <summary>A change of one place. The text has to be there exactly once; <c>PLANTED</c> in its replacement is true
/// while the bug is switched on.</summary>
internal sealed record Hunk(string File, string Find, string Replace);

/// <summary>A bug of the kind that costs money, and what has to be changed in the roles to have it.</summary>
internal sealed record PlantedBug(string Name, string What, params Hunk[] Hunks)
{
    /// <summary>Whether the watchtower's worlds look for it instead of whole markets.</summary>
    public bool IsTowers { get; init; }
}
