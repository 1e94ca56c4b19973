using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Numerics;
using System.Text.Json;

namespace Souk.EndToEnd.Reading;

/// <summary>Reads a gateway's admin API.</summary>
internal sealed class AdminReader : IDisposable
{
    private readonly HttpClient _http;

    public AdminReader(Uri url, string token)
    {
        _http = new HttpClient { BaseAddress = url };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var reply = await _http.GetAsync(path);
        reply.EnsureSuccessStatusCode();
        return await reply.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>Acts, without a body.</summary>
    public async Task PostAsync(string path)
    {
        using var reply = await _http.PostAsync(path, null);
        if (!reply.IsSuccessStatusCode)
        {
            throw new HttpRequestException(await reply.Content.ReadAsStringAsync());
        }
    }

    /// <summary>Makes an API key with a budget in whole currency.</summary>
    public async Task<string> CreateKeyAsync(string name, string budget)
    {
        using var reply = await _http.PostAsJsonAsync("/admin/v1/keys", new { name, budget });
        reply.EnsureSuccessStatusCode();
        return (await reply.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("key").GetString()!;
    }

    /// <summary>Waits until every request that was sent has been explained by a receipt.</summary>
    public async Task SettleDownAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (true)
        {
            var status = await GetAsync("/admin/v1/status");
            if (status.GetProperty("outstanding").GetInt32() == 0 && status.GetProperty("in_flight").GetInt32() == 0)
            {
                return;
            }

            await Task.Delay(200, patience.Token);
        }
    }

    /// <summary>A decimal of the whole currency (six places) in its smallest units.</summary>
    public static BigInteger Units(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        var (whole, part) = dot < 0 ? (text, "") : (text[..dot], text[(dot + 1)..]);
        return BigInteger.Parse(whole + part.PadRight(6, '0'), System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Dispose() => _http.Dispose();
}
