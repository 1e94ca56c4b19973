using Microsoft.Extensions.Logging;
using Souk.Protocol;

namespace Souk.Provider.X402;

internal sealed partial class Refunds
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Refunded {Amount} of channel {Channel}")]
    private partial void LogRefunded(Amount amount, Bytes32 channel);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "A refund of channel {Channel} has not ended and will be looked at again: {Reason}")]
    private partial void LogNotEnded(Bytes32 channel, string reason);
}
