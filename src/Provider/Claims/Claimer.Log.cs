using Microsoft.Extensions.Logging;
using Souk.Protocol;

namespace Souk.Provider.Claims;

internal sealed partial class Claimer
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Claimed {Channels} channels in {Transaction}")]
    private partial void LogClaimed(int channels, Bytes32 transaction);

    [LoggerMessage(Level = LogLevel.Information, Message = "Settled {Amount} to the payout in {Transaction}")]
    private partial void LogSettled(Amount amount, Bytes32 transaction);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "A claim of {Channels} channels reverts; each is claimed alone: {Reason}")]
    private partial void LogApart(int channels, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A claim was not made and will be tried again: {Reason}")]
    private partial void LogNotClaimed(string reason);
}
