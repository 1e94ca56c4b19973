using Microsoft.Extensions.Logging;
using Souk.Protocol;

namespace Souk.Provider.Channels;

internal sealed partial class ChainWatch
{
    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Count} channels could not be read again and will be retried: {Reason}")]
    private partial void LogUnread(int count, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The customer withdraws from channel {Channel}; it is claimed at once and serves no more")]
    private partial void LogWithdrawal(Bytes32 channel);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "Channel {Channel} holds less than was earned on it; the rest is booked as lost")]
    private partial void LogLost(Bytes32 channel);
}
