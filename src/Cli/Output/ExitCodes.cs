namespace Souk.Cli.Output;

/// <summary>What the program returns; <c>--help</c> lists them.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int NotRunning = 3;
    public const int AlreadyRunning = 4;

    /// <summary>The list for <c>--help</c>.</summary>
    public const string Help =
        "Exit codes: 0 done, 1 failed (the message says why), 2 wrong usage, 3 nothing is running here, 4 already "
            + "running.";
}
