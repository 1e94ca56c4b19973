using System.Text;
using CsCheck;
using Souk.Engines.Files;
using Souk.Engines.Tests.TinyModels;

namespace Souk.Engines.Tests.Files;

/// <summary>Model files come from strangers: whatever their bytes, they are read or refused, never more.</summary>
public sealed class HostileFilesTests
{
    private static readonly byte[] Model = TinyLlamaOnnx.Write(new TinyLlama(new TinyShape { Layers = 1 }));

    private static readonly string[] Odd =
    [
        "{}", "[]", "null", """{"max_position_embeddings":-1}""", """{"max_position_embeddings":1e99}""",
        """{"max_position_embeddings":9,"eos_token_id":"x"}""",
        """{"max_position_embeddings":9,"eos_token_id":[[]]}""",
    ];

    [Fact]
    public void Any_bytes_are_weights_or_refused() =>
        Gen.Byte.Array[0, 300].Sample(bytes => ReadOrRefuse(bytes));

    [Fact]
    public void A_model_with_changed_bytes_is_weights_or_refused() =>
        Gen.Select(Gen.Int[0, Model.Length - 1], Gen.Byte, Gen.Int[1, Model.Length]).Sample((at, value, length) =>
        {
            byte[] changed = Model[..Math.Max(length, at + 1)];
            changed[at] = value;
            ReadOrRefuse(changed);
        });

    [Fact]
    public void Any_text_is_a_configuration_or_refused() =>
        Gen.OneOf(Gen.String, Gen.Int[0, Odd.Length - 1].Select(i => Odd[i])).Sample(text =>
        {
            try
            {
                ModelConfig.Parse(Encoding.UTF8.GetBytes(text), null);
            }
            catch (EngineException refused)
            {
                Assert.Equal("model_unsupported", refused.Code);
            }
        });

    [Fact]
    public void Weights_in_other_files_are_named()
    {
        var entry = new Proto().Text(1, "location").Text(2, "../outside.bin");
        var tensor = new Proto().Number(1, 8).Number(2, 10).Text(8, "w").Message(13, entry).Number(14, 1);
        byte[] model = new Proto().Number(1, 8).Message(7, new Proto().Message(5, tensor)).ToArray();
        using var stream = new MemoryStream(model);
        var weights = OnnxWeights.Read(stream);
        Assert.Equal(["../outside.bin"], weights.ExternalFiles);
        Assert.Equal("float16", weights.WeightType);
    }

    private static void ReadOrRefuse(byte[] bytes)
    {
        using var stream = new MemoryStream(bytes);
        try
        {
            OnnxWeights.Read(stream);
        }
        catch (EngineException refused)
        {
            Assert.Equal("model_unsupported", refused.Code);
        }
    }
}
