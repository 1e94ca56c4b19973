using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Souk.Cli.Hosting;

/// <summary>Quiet, structured logs: one line each, into a file of the data directory.</summary>
internal sealed class FileLogs(string path, LogLevel least, TimeProvider time) : ILoggerProvider
{
    private readonly StreamWriter _file = Open(path);
    private readonly Lock _guard = new();

    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

    public void Dispose() => _file.Dispose();

    private void Write(string category, LogLevel level, string message, Exception? exception)
    {
        var at = time.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        try
        {
            lock (_guard)
            {
                _file.WriteLine($"{at} {level} {category} {message.ReplaceLineEndings(" ")}");
                if (exception is not null)
                {
                    _file.WriteLine(exception.ToString());
                }
            }
        }
        catch (IOException)
        {
            // A full disk must not end the role that had something to say; the ledger has its own word about it.
        }
    }

    private static StreamWriter Open(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write,
            Share = FileShare.Read };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new StreamWriter(path, options) { AutoFlush = true };
    }

    private sealed class Category(FileLogs owner, string name) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= (name.StartsWith("Microsoft", StringComparison.Ordinal) ? LogLevel.Warning : owner.Least);

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                owner.Write(name, logLevel, formatter(state, exception), exception);
            }
        }
    }

    private LogLevel Least => least;
}
