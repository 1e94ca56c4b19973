using CsCheck;
using Souk.Wire.Paid;

namespace Souk.Wire.Tests.Paid;

public sealed class NodePathsTests
{
    [Fact]
    public void Paths_of_a_request_are_read_back() => Samples.Id.Sample(id =>
    {
        Assert.True(NodePaths.TryRequest(NodePaths.Request(id), out var read, out var isVoucher));
        Assert.Equal((id, false), (read, isVoucher));
        Assert.True(NodePaths.TryRequest(NodePaths.RequestVoucher(id), out read, out isVoucher));
        Assert.Equal((id, true), (read, isVoucher));
    });

    [Fact]
    public void Paths_of_files_are_read_back_whatever_the_name() =>
        Gen.Select(Samples.Hash, Gen.String[Gen.Char[' ', '~'], 0, 80]).Sample((digest, name) =>
        {
            Assert.True(NodePaths.TryModelFile(NodePaths.ModelFile(digest, name), out var read, out var readName));
            Assert.Equal((digest, name), (read, readName));
        });

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/souk/v1/requests/")]
    [InlineData("/souk/v1/requests/voucher")]
    [InlineData("/souk/v1/requests/00112233445566778899aabbccddeef")]
    [InlineData("/souk/v1/requests/00112233445566778899aabbccddeeff/")]
    [InlineData("/souk/v1/requests/00112233445566778899aabbccddeeff/other")]
    [InlineData("/souk/v1/requests/zz112233445566778899aabbccddeeff")]
    [InlineData("/souk/v1/models/0x00/files/x")]
    public void Other_paths_are_not(string path)
    {
        Assert.False(NodePaths.TryRequest(path, out _, out _));
        Assert.False(NodePaths.TryModelFile(path, out _, out _));
    }

    [Fact]
    public void Any_path_is_read_or_not_but_never_thrown_at() => Gen.String.Sample(text =>
    {
        foreach (var path in new[] { text, "/souk/v1/requests/" + text, "/souk/v1/models/" + text })
        {
            NodePaths.TryRequest(path, out _, out _);
            NodePaths.TryModelFile(path, out _, out _);
        }
    });
}
