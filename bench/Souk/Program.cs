using System.Globalization;
using Souk.Bench;

// usage: dotnet run -c Release --project bench/Souk -- COMMAND
const string Usage = """
    usage: dotnet run -c Release --project bench/Souk -- COMMAND
      throughput   tokens per second through the whole paid path, beside the bare engine
      tokens       CPU per streamed token, of gateway and provider each in a process of its own
      requests     CPU per request of gateway and provider, and by step
      compare      CPU of this build beside another build's souk, in turn: compare PROGRAM
                   [requests|answers|tokens]
      memory       memory of each role at rest
      up           time from 'souk up' to the first settled answer, cold and warm
      evaluation   the whole evaluation set through the network and on the bare engine
      seeds        100,000 tokens of two providers with the same seeds
    """;

switch (args)
{
    case ["throughput"]:
        await Throughput.RunAsync();
        return 0;
    case ["tokens"]:
        await TokenCost.RunAsync();
        return 0;
    case ["requests"]:
        await RequestCost.RunAsync();
        return 0;
    case ["compare", var program, .. { Length: <= 1 } only]:
        await Comparison.RunAsync(program, only.FirstOrDefault());
        return 0;
    case ["memory"]:
        await RestingMemory.RunAsync();
        return 0;
    case ["up"]:
        await UpTime.RunAsync();
        return 0;
    case ["evaluation"]:
        await Agreement.EvaluateAsync();
        return 0;
    case ["seeds"]:
        await Agreement.CompareSeedsAsync();
        return 0;
    case ["upstream", var port, var pauseMs]:
        await TrivialUpstream.RunAsync(
            int.Parse(port, CultureInfo.InvariantCulture),
            TimeSpan.FromMilliseconds(double.Parse(pauseMs, CultureInfo.InvariantCulture)));
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}
