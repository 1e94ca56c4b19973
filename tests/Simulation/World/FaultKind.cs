namespace Souk.Simulation.World;

/// <summary>What can go wrong in a simulated market. Each is drawn by itself, so that leaving one out changes nothing
/// of the others.</summary>
internal enum FaultKind
{
    SlowNetwork,
    RefusedConnection,
    LostRequest,
    LostReply,
    BrokenStream,
    StalledStream,
    DoubledRequest,
    GatewayCut,
    IndexerCut,
    ProviderKilled,
    GatewayKilled,
    EngineFailure,
    RpcError,
    StaleRead,
    StuckTransaction,
    LostTransaction,
    ProviderNodeDown,
    GatewayNodeDown,
    Reorganisation,
    FeeSpike,
    ChainHalt,
    PriceChange,
    AppLeaves,
    HostileWithdrawal,
}
