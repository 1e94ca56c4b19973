using Microsoft.ML.OnnxRuntime;

namespace Souk.Bench.Engine.Exports;

/// <summary>A model directory whose weights and activations are float16, beside one of float32.</summary>
internal static class HalfDirectory
{
    /// <summary>The questions that belong to a model: in its directory, or beside it as in models/demo.</summary>
    public static string Evaluation(string directory)
    {
        string own = Path.Combine(directory, "evaluation.jsonl");
        return File.Exists(own) ? own : Path.Combine(directory, "..", "eval", "evaluation.jsonl");
    }

    /// <summary>Writes the directory, and says which operators ONNX Runtime's processor provider surrounds with casts
    /// because it has no float16 kernels for them.</summary>
    public static void Export(string directory, string target)
    {
        Directory.CreateDirectory(target);
        foreach (string file in Directory.GetFiles(directory)
            .Where(file => !file.EndsWith(".onnx", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)), overwrite: true);
        }

        File.Copy(Evaluation(directory), Path.Combine(target, "evaluation.jsonl"), overwrite: true);
        string model = Path.Combine(target, "model.onnx");
        File.WriteAllBytes(model, HalfModel.Write(Path.Combine(directory, "model.onnx")));
        string optimized = Path.Combine(target, "as-run.onnx.tmp");
        using (var options = new SessionOptions { OptimizedModelFilePath = optimized })
        {
            options.GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL;
            new InferenceSession(model, options).Dispose();
        }

        Tell("written", OnnxFile.Read(model));
        Tell("as run", OnnxFile.Read(optimized));
        File.Delete(optimized);
    }

    private static void Tell(string name, OnnxFile file) => Console.WriteLine(
        $"{name}: " + string.Join(", ", file.Nodes.GroupBy(node => node.Type).OrderBy(group => group.Key)
            .Select(group => $"{group.Count()} {group.Key}")));
}
