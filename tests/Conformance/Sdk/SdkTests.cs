using System.ClientModel;
using System.Text.Json.Nodes;
using OpenAI;
using Souk.Conformance.Composition;
using Souk.Ledger.Rows;

namespace Souk.Conformance.Sdk;

/// <summary>One network for all that SDKs try on it.</summary>
public sealed class SdkNetwork : IAsyncLifetime
{
    internal MarketNetwork Network { get; private set; } = null!;

    internal string ApiKey { get; private set; } = null!;

    internal string PoorKey { get; private set; } = null!;

    /// <summary>May use no model that anybody offers.</summary>
    internal string BarredKey { get; private set; } = null!;

    /// <summary>May ask once a minute.</summary>
    internal string HastyKey { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Network = await MarketNetwork.StartAsync(new NetworkPlan(Providers: 2));
        ApiKey = await Network.KeyAsync("app");
        PoorKey = await Network.KeyAsync("poor", 1);
        BarredKey = await Network.KeyAsync("barred", limits: KeyLimits.None with { Models = [MarketNetwork.Ghost] });
        HastyKey = await Network.KeyAsync("hasty", limits: KeyLimits.None with { RequestsPerMinute = 1 });
    }

    public ValueTask DisposeAsync() => Network.DisposeAsync();
}

/// <summary>The unmodified OpenAI SDKs for .NET and Node, as apps use them.</summary>
public sealed class SdkTests(SdkNetwork shared) : IClassFixture<SdkNetwork>
{
    private const string DotNet = ".NET";
    private const string Node = "Node";
    private readonly MarketNetwork _network = shared.Network;
    private readonly string _key = shared.ApiKey;

    [Theory]
    [InlineData(DotNet, false)]
    [InlineData(DotNet, true)]
    [InlineData(Node, false)]
    [InlineData(Node, true)]
    public async Task An_sdk_gets_an_answer_with_usage_and_cost(string sdk, bool isStreamed)
    {
        var outcome = await RunAsync(sdk,
            SdkJob.Ask("ask", "What is 12 plus 30?", isStreamed, more => more["temperature"] = 0.0));
        Assert.Null(outcome.Error);
        Assert.NotEmpty(Assert.Single(outcome.Texts));
        Assert.Equal(["stop"], outcome.Reasons);
        Assert.True(outcome.Prompt > 0 && outcome.Completion > 0 && outcome.Cost > 0);
    }

    [Fact]
    public async Task The_sdks_agree_with_each_other_streamed_or_not()
    {
        List<string> texts = [];
        foreach (var sdk in new[] { DotNet, Node })
        {
            foreach (var isStreamed in new[] { false, true })
            {
                var job = SdkJob.Ask("ask", "What is the capital of France?", isStreamed, more =>
                    more["temperature"] = 0.0);
                texts.Add((await RunAsync(sdk, job)).Texts[0]);
            }
        }

        Assert.Single(texts.Distinct());
    }

    [Fact]
    public async Task The_sdks_list_the_models_that_can_be_had()
    {
        var client = new OpenAIClient(new ApiKeyCredential(_key),
            new OpenAIClientOptions { Endpoint = _network.BaseUrl });
        var listed = await client.GetOpenAIModelClient().GetModelsAsync();
        Assert.Equal([MarketNetwork.Model], listed.Value.Select(model => model.Id));
        Assert.Equal([MarketNetwork.Model], await NodeSdk.ModelsAsync(_network.BaseUrl, _key));
    }

    [Fact]
    public async Task Several_choices_limits_and_stop_strings_are_kept()
    {
        var two = await RunAsync(Node, SdkJob.Ask("n", "What is 2 plus 2?", false, more => more["n"] = 2));
        Assert.Equal(2, two.Texts.Count);
        foreach (var sdk in new[] { DotNet, Node })
        {
            var cut = await RunAsync(sdk,
                SdkJob.Ask("cut", "What is 20 plus 22?", true, more => more["max_tokens"] = 2));
            Assert.Equal(["length"], cut.Reasons);
            Assert.Equal(2, cut.Completion);
            var stopped = await RunAsync(sdk, SdkJob.Ask("stop", "What is 20 plus 22?", true, more =>
            {
                more["temperature"] = 0.0;
                more["stop"] = " ";
            }));
            Assert.DoesNotContain(" ", stopped.Texts[0], StringComparison.Ordinal);
            Assert.Equal(["stop"], stopped.Reasons);
        }
    }

    public static TheoryData<string, string, int, string> Errors()
    {
        TheoryData<string, string, int, string> rows = [];
        foreach (var sdk in new[] { DotNet, Node })
        {
            rows.Add(sdk, "wrong type", 400, "BadRequestError");
            rows.Add(sdk, "no messages", 400, "BadRequestError");
            rows.Add(sdk, "too long", 400, "BadRequestError");
            rows.Add(sdk, "wrong key", 401, "AuthenticationError");
            rows.Add(sdk, "poor key", 402, "APIError");
            rows.Add(sdk, "barred model", 403, "PermissionDeniedError");
            rows.Add(sdk, "unknown model", 404, "NotFoundError");
            rows.Add(sdk, "huge", 413, "APIError");
            rows.Add(sdk, TooMany, 429, "RateLimitError");
            rows.Add(sdk, "engine fails", 502, "InternalServerError");
            rows.Add(sdk, "nobody", 503, "InternalServerError");
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Errors))]
    public async Task An_error_arrives_as_the_sdks_own(string sdk, string wrong, int status, string nodeName)
    {
        var spent = await SpentAsync();
        foreach (var isStreamed in new[] { false, true })
        {
            var outcome = await RunAsync(sdk, Spoil(wrong, sdk == Node && isStreamed));
            Assert.NotNull(outcome.Error);
            Assert.True(outcome.Error.Status == status, $"{outcome.Error}");
            Assert.Equal(sdk == Node ? nodeName : nameof(ClientResultException), outcome.Error.Name);
            Assert.False(string.IsNullOrEmpty(outcome.Error.Code), outcome.Error.Message);
        }

        // One of a hasty key's requests is answered.
        Assert.True(wrong == TooMany || spent == await SpentAsync());
    }

    [Theory]
    [InlineData(DotNet)]
    [InlineData(Node)]
    public async Task A_retry_after_a_failure_is_charged_once(string sdk)
    {
        var before = await SpentAsync();
        var job = SdkJob.Ask("once", $"What is 31 plus 11? {FaultyEngine.FailsOnce} {sdk}",
            false) with { MaxRetries = 2 };
        var outcome = await RunAsync(sdk, job);
        Assert.Null(outcome.Error);
        Assert.Equal(outcome.Cost, await SpentAsync() - before);
    }

    [Theory]
    [InlineData(DotNet)]
    [InlineData(Node)]
    public async Task What_was_charged_is_never_answered_with_an_error_that_is_retried(string sdk)
    {
        var before = await SpentAsync();
        var question = $"What is 32 plus 11? {FaultyEngine.FailsLate} {sdk}";
        var outcome = await RunAsync(sdk, SdkJob.Ask("late", question, false) with { MaxRetries = 3 });
        Assert.Null(outcome.Error);
        Assert.Equal(["length"], outcome.Reasons);
        Assert.Equal(outcome.Cost, await SpentAsync() - before);
        var streamed = await RunAsync(sdk, SdkJob.Ask("late", question, true) with { MaxRetries = 3 });
        if (sdk == Node)
        {
            Assert.NotNull(streamed.Error);
        }
        else
        {
            // The .NET SDK passes over error events: what its app sees is an answer that never finished.
            Assert.Equal([null], streamed.Reasons);
            Assert.Null(streamed.Usage);
        }

        Assert.True(await SpentAsync() - before <= 2 * outcome.Cost);
    }

    private static SdkJob Spoil(string wrong, bool isStreamed) => wrong switch
    {
        "wrong type" => SdkJob.Ask(wrong, "Hello", isStreamed, more => more["messages"] = "hello"),
        "no messages" => SdkJob.Ask(wrong, "Hello", isStreamed, more => more["messages"] = new JsonArray()),
        "too long" => SdkJob.Ask(wrong, string.Concat(Enumerable.Repeat("plus ", 2000)), isStreamed),
        "wrong key" => SdkJob.Ask(wrong, "Hello", isStreamed) with { ApiKey = "sk-souk-" + new string('0', 64) },
        "poor key" => SdkJob.Ask(wrong, "Hello", isStreamed) with { ApiKey = Poor },
        "barred model" => SdkJob.Ask(wrong, "Hello", isStreamed) with { ApiKey = Barred },
        TooMany => SdkJob.Ask(wrong, "Hello", isStreamed) with { ApiKey = Hasty },
        "engine fails" => SdkJob.Ask(wrong, $"Hello {FaultyEngine.FailsEarly}", isStreamed),
        "unknown model" => SdkJob.Ask(wrong, "Hello", isStreamed, more => more["model"] = "gpt-unknown"),
        "huge" => SdkJob.Ask(wrong, new string('a', 9 << 20), isStreamed),
        "nobody" => SdkJob.Ask(wrong, "Hello", isStreamed, more => more["model"] = MarketNetwork.Ghost),
        _ => throw new ArgumentOutOfRangeException(nameof(wrong)),
    };

    private const string Poor = "poor";
    private const string Barred = "barred";
    private const string Hasty = "hasty";
    private const string TooMany = "too many";

    private async Task<SdkOutcome> RunAsync(string sdk, SdkJob job)
    {
        if (job.ApiKey == Hasty)
        {
            // Whatever becomes of it: the minute's one request is spent.
            await DotNetSdk.RunAsync(_network.BaseUrl, shared.HastyKey, [SdkJob.Ask("first", "Hello", false)]);
        }

        job = job with
        {
            ApiKey = job.ApiKey switch
            {
                Poor => shared.PoorKey,
                Barred => shared.BarredKey,
                Hasty => shared.HastyKey,
                var key => key,
            },
        };
        return sdk == Node
            ? Assert.Single(await NodeSdk.RunAsync(_network.BaseUrl, _key, [job]))
            : Assert.Single(await DotNetSdk.RunAsync(_network.BaseUrl, _key, [job]));
    }

    private async Task<System.Numerics.BigInteger> SpentAsync()
    {
        await _network.Admin.SettleDownAsync();
        var keys = await _network.Admin.GetAsync("/admin/v1/keys");
        return keys.GetProperty("keys").EnumerateArray()
            .Aggregate(System.Numerics.BigInteger.Zero, (sum, key) =>
                sum + AdminReader.Units(key.GetProperty("spent").GetString()!));
    }
}
