using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Souk.Engines.Tests.TinyModels;
using Souk.Engines.Upstream;
using Souk.Protocol;

namespace Souk.Engines.Tests.Upstream;

public sealed class UpstreamConnectTests
{
    private const string Blob = "dde5aa3fc5ffc17176b5e8bdc82f587b24b2678c6c66101bf7da77af9f7ccdff";

    [Fact]
    public async Task Ollama_tells_its_context_and_its_blob()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Models = """{"object":"list","data":[{"id":"qwen3:32b","owned_by":"library"}]}""";
        server.Others["/api/version"] = """{"version":"0.13.5"}""";
        server.Others["/api/ps"] = """{"models":[{"name":"qwen3:32b","context_length":32768}]}""";
        server.Others["/api/show"] =
            $$"""{"modelfile":"# Modelfile generated\nFROM /root/.ollama/models/blobs/sha256-{{Blob}}\nTEMPLATE x"}""";
        server.Capable = new CapableServer("n");
        await using var engine = await ConnectAsync(new UpstreamOptions { BaseUrl = server.BaseUrl });
        Assert.Equal(("ollama", 32768), (engine.Model.EngineName, engine.Model.Context));
        Assert.Equal("0x" + Blob, engine.Model.Manifest.Digest.ToString());
        Assert.DoesNotContain("n", engine.Model.Features);
        var refused = await engine.RefusedAsync(Ask.For("Hi", choices: 2));
        Assert.Equal((Fault.Theirs, "feature_unsupported"), (refused.Fault, refused.Code));
    }

    [Fact]
    public async Task An_upstream_that_tells_no_context_needs_the_option()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.Models = """{"data":[{"id":"m","owned_by":"someone"}]}""";
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => ConnectAsync(new UpstreamOptions { BaseUrl = server.BaseUrl }));
        Assert.Contains("Context", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_model_file_s_hash_is_the_digest()
    {
        using var folder = ModelFolder.Empty();
        byte[] weights = TinyLlamaGguf.Write(new TinyLlama(new TinyShape { Layers = 1 }));
        folder.Write("tiny.gguf", weights);
        await using var server = await LoopbackServer.StartAsync();
        await using var engine = await ConnectAsync(
            new UpstreamOptions { BaseUrl = server.BaseUrl, ModelFile = Path.Combine(folder.Path, "tiny.gguf") });
        Assert.Equal(
            "0x" + Convert.ToHexStringLower(SHA256.HashData(weights)), engine.Model.Manifest.Digest.ToString());
    }

    [Fact]
    public async Task The_api_key_comes_from_its_file_and_goes_along()
    {
        using var folder = ModelFolder.Empty();
        folder.Write("key", "secret-key\n");
        await using var server = await LoopbackServer.StartAsync();
        await using var engine = await ConnectAsync(
            new UpstreamOptions { BaseUrl = server.BaseUrl, ApiKeyFile = Path.Combine(folder.Path, "key") });
        await engine.AllAsync(Ask.For("Hi"));
        Assert.Equal("Bearer secret-key", server.Authorization);
    }

    [Fact]
    public async Task A_stream_without_usage_and_ids_cannot_be_sold()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.ProbeText = """
            data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"length"}]}

            data: [DONE]


            """;
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => ConnectAsync(new UpstreamOptions { BaseUrl = server.BaseUrl }));
        Assert.Equal((Fault.Ours, "upstream_unusable"), (refused.Fault, refused.Code));
        Assert.Contains("usage", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_refuses_return_token_ids_is_asked_without()
    {
        await using var server = await LoopbackServer.StartAsync();
        server.ProbePasses = false;
        server.Answer = async context =>
        {
            if (server.Asked[^1].Contains("return_token_ids", StringComparison.Ordinal))
            {
                context.Response.StatusCode = 400;
                return;
            }

            await LoopbackServer.StreamAsync(context, LoopbackServer.Probe);
        };
        await using var engine = await ConnectAsync(new UpstreamOptions { BaseUrl = server.BaseUrl });
        await engine.AllAsync(Ask.For("Hi"));
        Assert.Equal(3, server.Asked.Count);
        Assert.DoesNotContain("return_token_ids", server.Asked[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_listening_is_ours_and_shows_no_address()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        int port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        var refused = await Assert.ThrowsAsync<EngineException>(
            () => ConnectAsync(new UpstreamOptions { BaseUrl = new Uri($"http://127.0.0.1:{port}/v1") }));
        Assert.Equal((Fault.Ours, "upstream_unreachable"), (refused.Fault, refused.Code));
        Assert.DoesNotContain("127.0.0.1", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_is_never_accepted_runs_into_its_own_limit()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);

        // A full queue of connections that nobody accepts: the kernel leaves the next one waiting.
        List<Socket> queue = [];
        for (int i = 0; i < 4; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Blocking = false;
            queue.Add(socket);
            try
            {
                socket.Connect(listener.LocalEndPoint!);
            }
            catch (SocketException)
            {
                // Not blocking, so it is still connecting.
            }
        }

        var options = new UpstreamOptions
        {
            BaseUrl = new Uri($"http://{listener.LocalEndPoint}/v1"), ConnectTimeout = TimeSpan.FromMilliseconds(300),
        };
        var refused = await Assert.ThrowsAsync<EngineException>(() => ConnectAsync(options));
        Assert.Equal((Fault.Ours, "upstream_connect_timeout"), (refused.Fault, refused.Code));
        queue.ForEach(socket => socket.Dispose());
    }

    [Fact]
    public async Task Every_mistake_in_the_options_is_reported_at_once()
    {
        var options = new UpstreamOptions
        {
            BaseUrl = new Uri("ftp://user:key@host/"), Concurrency = 0, IdleTimeout = TimeSpan.Zero,
        };
        var refused = await Assert.ThrowsAsync<ArgumentException>(() => ConnectAsync(options));
        Assert.Contains("BaseUrl", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Concurrency", refused.Message, StringComparison.Ordinal);
        Assert.Contains("IdleTimeout", refused.Message, StringComparison.Ordinal);
    }

    private static Task<UpstreamEngine> ConnectAsync(UpstreamOptions options) =>
        UpstreamEngine.ConnectAsync(options, TimeProvider.System, default);
}
