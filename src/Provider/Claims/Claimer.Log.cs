using Microsoft.Extensions.Logging;
using Souk.Market.Claims;
using Souk.Protocol;

namespace Souk.Provider.Claims;

internal sealed partial class Claimer
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "Claimed {Channels} channels (reason: {Reason}) in {Transaction}")]
    private partial void LogClaimed(int channels, ClaimReason reason, Bytes32 transaction);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "The claim of channel {Channel} would revert; it is set aside and tried again later: {Reason}")]
    private partial void LogAside(Bytes32 channel, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A claim was not made and will be tried again: {Reason}")]
    private partial void LogNotClaimed(string reason);
}
