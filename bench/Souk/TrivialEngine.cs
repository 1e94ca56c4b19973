using System.Runtime.CompilerServices;
using Souk.Engines;
using Souk.OpenAi.Chat;
using Souk.OpenAi.Tokens;

namespace Souk.Bench;

/// <summary>
/// Says the same word again and again, so that what is measured is the market and not a model. It has the demo model's
/// files, so prompts are counted and answers checked as always.
/// </summary>
/// <param name="model">Whose files it has.</param>
/// <param name="pause">Between tokens; zero is as fast as they are taken.</param>
internal sealed class TrivialEngine(EngineModel model, TimeSpan pause) : IEngine
{
    private readonly PromptEncoder _encoder = PromptFiles.Build(model.PublicFiles).Value;

    public EngineModel Model => model;

    public int[]? EncodePrompt(ChatRequest chat) => _encoder.Encode(chat).Value;

    public async IAsyncEnumerable<EngineEvent> GenerateAsync(
        EngineRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var prompt = request.PromptIds ?? EncodePrompt(request.Chat)!;
        yield return new PromptCounted(prompt.Length, 0, prompt);
        int[] word = _encoder.Tokenizer.Encode(" the", parseSpecial: false);
        for (var i = 0; i < request.MaxTokens; i++)
        {
            if (pause > TimeSpan.Zero)
            {
                await Task.Delay(pause, cancellationToken);
            }
            else
            {
                await Task.Yield();
            }

            yield return new TokenOut(0, word[..1], _encoder.Tokenizer.Decode(word.AsSpan(0, 1), skipSpecial: true));
        }

        yield return new Finished(0, "length", request.MaxTokens);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
