using System.Globalization;
using Souk.Simulation.Planted;
using Souk.Simulation.Tower;

namespace Souk.Simulation.Campaign;

/// <summary>The tests, and beside them the campaigns: too long for every change, each with a command of its own.
/// </summary>
internal static class Program
{
    private const string Usage = """
        usage: tests/Simulation                                    the tests
               tests/Simulation nightly [--events N] [--seeds N] [--minutes N] [--workers N] [--first SEED]
                                        [--result FILE] [--resume]
               tests/Simulation tower [--closes N] [--minutes N] [--workers N] [--first SEED] [--result FILE]
                                      [--resume]
               tests/Simulation tower-replay SEED [--story FILE]
               tests/Simulation planted [--bugs NAME,...] [--seeds N] [--starts N] [--workers N] [--no-build]
                                        [--result FILE] [--resume]
               tests/Simulation replay SEED [--without KIND,...] [--skip-events N,...] [--skip-acts N,...]
                                        [--story FILE]
        """;

    public static int Main(string[] args) => args switch
    {
        ["nightly", .. var rest] => Nightly.Run(new Arguments(rest)),
        ["replay", var seed, .. var rest] => Replay.Run(ulong.Parse(seed, CultureInfo.InvariantCulture), new(rest)),
        ["planted", .. var rest] => PlantedRun.Run(new Arguments(rest)),
        ["tower", .. var rest] => TowerRun.Run(new Arguments(rest)),
        ["tower-replay", var seed, .. var rest] =>
            TowerRun.Replay(ulong.Parse(seed, CultureInfo.InvariantCulture), new(rest)),
        ["hunt", .. var rest] => PlantedRun.Hunt(new Arguments(rest)),
        ["help", ..] => Help(),
        _ => Test(args),
    };

    private static int Help()
    {
        Console.WriteLine(Usage);
        return 0;
    }

    private static int Test(string[] args) => args.Any(arg => arg is "--server" or "--internal-msbuild-node")
        ? Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(
            args, SelfRegisteredExtensions.AddSelfRegisteredExtensions).GetAwaiter().GetResult()
        : Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args).GetAwaiter().GetResult();
}
