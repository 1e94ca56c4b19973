using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Souk.OpenAi.Embeddings;

namespace Souk.OpenAi.Chat;

/// <summary>Writes the body for a provider from checked values only, as ChatRequest.ToProviderBody promises.</summary>
internal static class ProviderBodyWriter
{
    internal static byte[] Write(ChatRequest request, ProviderBody body)
    {
        var buffer = new ArrayBufferWriter<byte>(4_096);
        using (var writer = new Utf8JsonWriter(buffer, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("model"u8, body.Model);
            if (request.Embedding is { } embedding)
            {
                WriteInputs(writer, embedding, body);
            }
            else
            {
                WritePrompt(writer, request);
                WriteSampling(writer, request, body);
                WriteTools(writer, request);
                WriteDelivery(writer, request, body);
            }

            body.Extra?.Invoke(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WritePrompt(Utf8JsonWriter writer, ChatRequest request)
    {
        if (request.Prompt is { } prompt)
        {
            writer.WritePropertyName("prompt"u8);
            WriteRaw(writer, prompt);
            return;
        }

        writer.WriteStartArray("messages"u8);
        foreach (var message in request.Messages)
        {
            WriteMessage(writer, message);
        }

        writer.WriteEndArray();
    }

    private static void WriteInputs(Utf8JsonWriter writer, EmbeddingInputs embedding, ProviderBody body)
    {
        writer.WriteStartArray("input"u8);
        foreach (var input in embedding.Inputs)
        {
            WriteRaw(writer, input);
        }

        writer.WriteEndArray();
        writer.WriteString("encoding_format"u8, body.WithBase64 ? "base64"u8 : "float"u8);
        Number(writer, "dimensions", embedding.Dimensions);
    }

    private static void WriteRaw(Utf8JsonWriter writer, RawPrompt prompt)
    {
        if (prompt.Text is { } text)
        {
            writer.WriteStringValue(text);
            return;
        }

        writer.WriteStartArray();
        foreach (var id in prompt.Ids!)
        {
            writer.WriteNumberValue(id);
        }

        writer.WriteEndArray();
    }

    private static void WriteDelivery(Utf8JsonWriter writer, ChatRequest request, ProviderBody body)
    {
        var limit = body.MaxTokens ?? request.MaxTokens;
        if (limit is { } most)
        {
            writer.WriteNumber(body.MaxTokensField, most);
        }

        if (request.MinTokens is > 0 and var least)
        {
            writer.WriteNumber("min_tokens"u8, Math.Min(least, limit ?? least));
        }

        if (request.Choices != 1)
        {
            writer.WriteNumber("n"u8, request.Choices);
        }

        if (body.Stream)
        {
            writer.WriteBoolean("stream"u8, true);
            if (body.IncludeUsage)
            {
                writer.WriteStartObject("stream_options"u8);
                writer.WriteBoolean("include_usage"u8, true);
                writer.WriteEndObject();
            }
        }

        if (body.ReturnTokenIds)
        {
            writer.WriteBoolean("return_token_ids"u8, true);
        }
    }

    private static void WriteSampling(Utf8JsonWriter writer, ChatRequest request, ProviderBody body)
    {
        Number(writer, "temperature", request.Temperature);
        Number(writer, "top_p", request.TopP);
        Number(writer, "top_k", request.TopK);
        Number(writer, "min_p", request.MinP);
        Number(writer, "frequency_penalty", request.FrequencyPenalty);
        Number(writer, "presence_penalty", request.PresencePenalty);
        if ((body.Seed ?? request.Seed) is { } seed)
        {
            writer.WriteNumber("seed"u8, seed);
        }

        if (body.WithStop && request.Stop.Count > 0)
        {
            writer.WriteStartArray("stop"u8);
            foreach (var stop in request.Stop)
            {
                writer.WriteStringValue(stop);
            }

            writer.WriteEndArray();
        }

        if (request.Logprobs && request.Prompt is not null)
        {
            // Completions have one number where chats have a flag and a number.
            writer.WriteNumber("logprobs"u8, request.TopLogprobs ?? 0);
            if (request.PromptLogprobs)
            {
                writer.WriteBoolean("echo"u8, true);
            }
        }
        else if (request.Logprobs)
        {
            writer.WriteBoolean("logprobs"u8, true);
            Number(writer, "top_logprobs", request.TopLogprobs);
        }

        if (request.LogitBias.Count > 0)
        {
            writer.WriteStartObject("logit_bias"u8);
            foreach (var (id, bias) in request.LogitBias)
            {
                writer.WriteNumber(id.ToString(CultureInfo.InvariantCulture), bias);
            }

            writer.WriteEndObject();
        }
    }

    private static void WriteTools(Utf8JsonWriter writer, ChatRequest request)
    {
        Json(writer, "tools", request.Tools);
        Json(writer, "tool_choice", request.ToolChoice);
        Json(writer, "response_format", request.ResponseFormat);
        Json(writer, "chat_template_kwargs", request.TemplateVariables);
        if (request.ParallelToolCalls is { } parallel)
        {
            writer.WriteBoolean("parallel_tool_calls"u8, parallel);
        }

        if (request.ReasoningEffort is { } effort)
        {
            writer.WriteString("reasoning_effort"u8, effort);
        }
    }

    private static void WriteMessage(Utf8JsonWriter writer, ChatMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, message.Role);
        writer.WritePropertyName("content"u8);
        WriteContent(writer, message);
        Text(writer, "name", message.Name);
        Text(writer, "refusal", message.Refusal);
        Text(writer, "reasoning_content", message.Reasoning);
        Text(writer, "tool_call_id", message.ToolCallId);
        if (message.ToolCalls.Count > 0)
        {
            writer.WriteStartArray("tool_calls"u8);
            foreach (var call in message.ToolCalls)
            {
                ToolCallJson.Write(writer, call);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter writer, ChatMessage message)
    {
        if (!message.IsPartArray)
        {
            writer.WriteStringValue(message.Text);
            return;
        }

        writer.WriteStartArray();
        foreach (var part in message.Parts)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, part.Kind);
            if (part.Kind == ContentPart.ImageKind)
            {
                writer.WriteStartObject("image_url"u8);
                writer.WriteString("url"u8, part.Text);
                Text(writer, "detail", part.Detail);
                writer.WriteEndObject();
            }
            else
            {
                writer.WriteString(part.Kind, part.Text);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void Text(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static void Number(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
    }

    private static void Json(Utf8JsonWriter writer, string name, JsonElement? value)
    {
        if (value is { } element)
        {
            writer.WritePropertyName(name);
            element.WriteTo(writer);
        }
    }
}
