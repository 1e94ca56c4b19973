using System.Net;
using System.Text.RegularExpressions;

namespace Souk.Conformance.Frameworks;

/// <summary>The API as people see it in a browser, with everything that the page needs from the gateway
/// itself.</summary>
public sealed partial class ReferencePageTests(FrameworkNetwork shared) : IClassFixture<FrameworkNetwork>
{
    [Fact]
    public async Task The_page_is_served_whole_and_reaches_for_nothing_elsewhere()
    {
        using var http = new HttpClient { BaseAddress = new Uri(shared.Network.BaseUrl, "/") };
        using var page = await http.GetAsync(new Uri("/docs/", UriKind.Relative));
        var html = await page.Content.ReadAsStringAsync();

        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Contains("openapi.json", html, StringComparison.Ordinal);
        Assert.Contains(
            "default-src 'self'", page.Headers.GetValues("content-security-policy").Single(), StringComparison.Ordinal);
        var places = Place().Matches(html).Select(match => match.Groups[1].Value)
            .Where(place => !place.StartsWith("data:", StringComparison.Ordinal)).Distinct().ToList();
        Assert.NotEmpty(places);
        foreach (var place in places)
        {
            var url = new Uri(page.RequestMessage!.RequestUri!, place);
            Assert.Equal(http.BaseAddress.Authority, url.Authority);
            using var part = await http.GetAsync(url);
            Assert.True(part.IsSuccessStatusCode, $"{url}: {part.StatusCode}");
        }
    }

    [Fact]
    public async Task The_admin_door_has_no_page()
    {
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => shared.Network.Admin.GetAsync("/docs/"));

        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
    }

    [GeneratedRegex("""(?:src|href)="([^"]+)""")]
    private static partial Regex Place();
}
