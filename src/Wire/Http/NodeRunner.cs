using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Souk.Wire.Http;

/// <summary>Runs what a role does beside answering.</summary>
public static class NodeRunner
{
    /// <summary>Runs a started node's loops with the host; when they end by themselves, the host stops.</summary>
    public static IServiceCollection AddNode(this IServiceCollection services, Func<CancellationToken, Task> run) =>
        services.AddSingleton<IHostedService>(new Loops(run));

    private sealed class Loops(Func<CancellationToken, Task> run) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => run(stoppingToken);
    }
}
