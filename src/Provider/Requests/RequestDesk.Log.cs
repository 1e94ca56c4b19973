using Microsoft.Extensions.Logging;
using Souk.Protocol;

namespace Souk.Provider.Requests;

internal sealed partial class RequestDesk
{
    // The request id is the right to read the answer, so only a trace log may hold it whole; counts are for everybody.
    [LoggerMessage(Level = LogLevel.Debug,
        Message = "Served {Request}: {Input} tokens in, {Output} out, {Reason}, charge {Charge}")]
    private partial void LogServed(RequestId request, ulong input, ulong output, string reason, Amount charge);

    [LoggerMessage(Level = LogLevel.Error, Message = "The engine failed in a way that no engine should")]
    private partial void LogEngineBug(Exception bug);

    [LoggerMessage(Level = LogLevel.Debug, Message = "Refused a paid request: {Code}")]
    private partial void LogRefused(string code);
}
