using System.CommandLine;
using System.Globalization;

namespace Souk.Cli.Commands;

/// <summary>Options that set an API key; what is not given stays as it is.</summary>
internal sealed class KeyOptions
{
    private const string None = "none";

    private readonly Option<string?> _budget = new("--budget")
    {
        Description = "All that it may ever spend, in whole currency (a new key: 1.00).",
    };

    private readonly Option<string?> _daily = new("--budget-per-day")
    {
        Description = "The most that it may spend on one UTC day, in whole currency, or 'none'.",
    };

    private readonly Option<string?> _requests = new("--requests-per-minute", "--rpm")
    {
        Description = "Requests per minute, or 'none'.",
    };

    private readonly Option<string?> _tokens = new("--tokens-per-minute", "--tpm")
    {
        Description = "Tokens per minute, prompt and output together, or 'none'.",
    };

    private readonly Option<string?> _models = new("--models")
    {
        Description = "The only models that it may use, with commas between them, or 'none' for no such limit.",
    };

    private readonly Option<string?> _input = new("--max-input-price")
    {
        Description = "The dearest input that it may buy, per million tokens in whole currency, or 'none'.",
    };

    private readonly Option<string?> _output = new("--max-output-price")
    {
        Description = "The dearest output that it may buy, per million tokens in whole currency, or 'none'.",
    };

    private readonly Option<string?> _expires = new("--expires-in")
    {
        Description = "Seconds from now until it expires, or 'none' for never.",
    };

    private readonly Option<string?> _keep = new("--keep-replies")
    {
        Description = "Whether replies to requests with an Idempotency-Key are kept for 24 hours: true or false.",
    };

    /// <summary>Adds them to a command.</summary>
    public Command AddTo(Command command)
    {
        foreach (var option in new Option[]
        {
            _budget, _daily, _requests, _tokens, _models, _input, _output, _keep, _expires,
        })
        {
            command.Add(option);
        }

        return command;
    }

    /// <summary>The members of the admin API's JSON that were asked for.</summary>
    public Dictionary<string, object?> Read(ParseResult parsed)
    {
        Dictionary<string, object?> body = [];
        Set("budget", _budget, text => text);
        Set("budget_per_day", _daily, text => text);
        Set("requests_per_minute", _requests, Number);
        Set("tokens_per_minute", _tokens, Number);
        Set("models", _models, text => text.Split(',', StringSplitOptions.TrimEntries));
        Set("max_input_price", _input, text => text);
        Set("max_output_price", _output, text => text);
        Set("keep_replies", _keep, text => bool.TryParse(text, out var keeps) ? keeps : text);
        Set("expires_in_seconds", _expires, Number);
        return body;

        void Set(string name, Option<string?> option, Func<string, object> read)
        {
            if (parsed.GetValue(option) is { } text)
            {
                body[name] = text == None ? null : read(text);
            }
        }
    }

    // What is no number goes as it is: the gateway says what it takes.
    private static object Number(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : text;
}
