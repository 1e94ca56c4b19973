using Souk.Protocol;

namespace Souk.Cli.State;

/// <summary>Finds a network file by what <c>--network</c> says: a file, a folder that has one, a URL, or a
/// name.</summary>
internal static class NetworkSource
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>
    /// The network, remembered in the data folder so that it need not be named again. A folder's keys and ledgers
    /// belong to one network, so another one is refused.
    /// </summary>
    /// <param name="data">The data folder.</param>
    /// <param name="named">What was given; null for the folder's own network.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task<Result<NetworkFile>> ReadAsync(
        DataDirectory data, string? named, CancellationToken cancellation)
    {
        var known = DataDirectory.Read(data.Network) is { } text ? NetworkFile.Parse(text) : (Result<NetworkFile>?)null;
        if (named is null)
        {
            return known ?? new Refusal(
                Fault.Ours, "network_missing",
                $"{data.Root} knows no network yet. Name one with --network FILE|URL|NAME, deploy one with 'souk "
                    + "deploy', or start one on this machine with 'souk up'.");
        }

        if (!(await FetchAsync(data, named, cancellation)).TryGet(out var network, out var refusal))
        {
            return refusal;
        }

        if (known is { IsOk: true } own && !IsSame(own.Value, network))
        {
            return new Refusal(
                Fault.Ours, "network_other",
                $"The keys and ledgers in {data.Root} belong to another network (chain {own.Value.ChainId}, registry "
                + $"{own.Value.Registry}). Choose another folder with --data.");
        }

        if (known is not { IsOk: true } same || same.Value.ToJson() != network.ToJson())
        {
            DataDirectory.Write(data.Network, network.ToJson());
        }

        return network;
    }

    /// <summary>Reads the text of a file or the body of a URL, bounded.</summary>
    public static async Task<Result<byte[]>> BytesAsync(string place, int most, CancellationToken cancellation)
    {
        try
        {
            if (!IsUrl(place))
            {
                return new FileInfo(place).Length > most
                    ? TooLarge(place, most)
                    : await File.ReadAllBytesAsync(place, cancellation);
            }

#pragma warning disable RS0030 // Adapter: a file that the owner named by its URL.
            using var http = new HttpClient { Timeout = Patience, MaxResponseContentBufferSize = most };
            return await http.GetByteArrayAsync(new Uri(place), cancellation);
#pragma warning restore RS0030
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or HttpRequestException
            || (failed is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            return new Refusal(Fault.Ours, "unreadable", $"{place} cannot be read: {failed.Message}");
        }
    }

    private static async Task<Result<NetworkFile>> FetchAsync(
        DataDirectory data, string named, CancellationToken cancellation)
    {
        var place = Place(data, named);
        if (!(await BytesAsync(place, NetworkFile.MaxBytes, cancellation)).TryGet(out var bytes, out var refusal)
            || !NetworkFile.Parse(bytes).TryGet(out var network, out refusal))
        {
            return refusal;
        }

        // A catalogue is named relative to its network file.
        return network.Catalogue is not { } catalogue || IsUrl(catalogue)
            ? network
            : network with
            {
                Catalogue = IsUrl(place)
                    ? new Uri(new Uri(place), catalogue).ToString()
                    : Path.GetFullPath(catalogue, Path.GetDirectoryName(Path.GetFullPath(place))!),
            };
    }

    private static string Place(DataDirectory data, string named)
    {
        if (IsUrl(named) || File.Exists(named))
        {
            return named;
        }

        if (Directory.Exists(named))
        {
            return new DataDirectory(named).Network;
        }

        var own = Path.Combine(data.Root, "networks", named + ".json");
        return named.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal)
            || named.EndsWith(".json", StringComparison.Ordinal)
            ? named
            : own;
    }

    private static bool IsUrl(string place) =>
        place.StartsWith("http://", StringComparison.Ordinal) || place.StartsWith("https://", StringComparison.Ordinal);

    private static bool IsSame(NetworkFile left, NetworkFile right) =>
        left.ChainId == right.ChainId && left.Registry == right.Registry && left.Escrow == right.Escrow
        && left.VaultFactory == right.VaultFactory && left.Currency == right.Currency;

    private static Refusal TooLarge(string place, int most) =>
        new(Fault.Ours, "unreadable", $"{place} is larger than {most} bytes.");
}
