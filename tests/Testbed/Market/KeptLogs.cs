using Microsoft.Extensions.Logging;

namespace Souk.Testbed.Market;

/// <summary>Keeps what roles log, for whoever reads a failure. No log enters the trace.</summary>
public sealed class KeptLogs(SimulatedScheduler scheduler) : ILoggerFactory
{
    private const int Most = 400;
    private readonly Queue<string> _lines = new();

    /// <summary>The newest lines, oldest first.</summary>
    public IReadOnlyCollection<string> Lines => _lines;

    /// <summary>A factory whose lines begin with a name.</summary>
    public ILoggerFactory For(string name) => new Named(this, name);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => new Line(this, categoryName);

    public void Dispose()
    {
    }

    private void Keep(string line)
    {
        _lines.Enqueue($"{scheduler.Elapsed:c} {line}");
        scheduler.Trace.Copy?.WriteLine(_lines.Last());
        if (_lines.Count > Most)
        {
            _lines.Dequeue();
        }
    }

    private sealed class Named(KeptLogs logs, string name) : ILoggerFactory
    {
        public void AddProvider(ILoggerProvider provider)
        {
        }

        public ILogger CreateLogger(string categoryName) =>
            new Line(logs, $"{name} {categoryName[(categoryName.LastIndexOf('.') + 1)..]}");

        public void Dispose()
        {
        }
    }

    private sealed class Line(KeptLogs logs, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            logs.Keep($"{logLevel} {name}: {formatter(state, exception)} {exception}");
    }
}
