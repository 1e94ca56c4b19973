// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevelopmentCurrency} from "../../src/DevelopmentCurrency.sol";
import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {ICustomerVaultFactory} from "../../src/interfaces/ICustomerVaultFactory.sol";
import {IDepositCollector} from "../../src/interfaces/IDepositCollector.sol";
import {IProviderRegistry} from "../../src/interfaces/IProviderRegistry.sol";
import {IRelayed} from "../../src/interfaces/IRelayed.sol";
import {Test} from "./Test.sol";

/// @notice All contracts deployed, a cast of keys, and the signatures that they make.
abstract contract Fixture is Test {
    bytes32 internal constant RECEIVE_TYPEHASH = keccak256(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,"
        "bytes32 nonce)"
    );
    uint256 internal constant START = 1_800_000_000;
    uint64 internal constant FAR = type(uint64).max;

    uint256 internal constant PAYER_KEY = 0x101;
    uint256 internal constant VOUCHER_KEY = 0x102;
    uint256 internal constant AUTHORIZER_KEY = 0x103;
    uint256 internal constant OWNER_KEY = 0x104;
    uint256 internal constant HOT_KEY = 0x105;
    uint256 internal constant OTHER_HOT_KEY = 0x106;
    uint256 internal constant NODE_KEY = 0x107;
    uint256 internal constant OTHER_NODE_KEY = 0x108;
    uint256 internal constant PROVIDER_KEY = 0x109;
    uint256 internal constant OTHER_PROVIDER_KEY = 0x10a;

    address internal immutable payer = vm.addr(PAYER_KEY);
    address internal immutable voucherSigner = vm.addr(VOUCHER_KEY);
    address internal immutable authorizer = vm.addr(AUTHORIZER_KEY);
    address internal immutable owner = vm.addr(OWNER_KEY);
    address internal immutable hotKey = vm.addr(HOT_KEY);
    address internal immutable otherHotKey = vm.addr(OTHER_HOT_KEY);
    address internal immutable provider = vm.addr(PROVIDER_KEY);
    address internal immutable otherProvider = vm.addr(OTHER_PROVIDER_KEY);
    address internal constant RECEIVER = address(0xBEEF);
    address internal constant OTHER_RECEIVER = address(0xBEE5);
    address internal constant RELAYER = address(0xCAFE);
    address internal constant STRANGER = address(0xDEAD);
    address internal constant COURT = address(0xC0);
    address internal constant OTHER_COURT = address(0xC1);

    DevelopmentCurrency internal currency;
    IBatchSettlement internal escrow;
    IDepositCollector internal collector;
    ICustomerVaultFactory internal factory;
    IProviderRegistry internal registry;

    uint256 private _salts;

    /// @dev From artifacts and behind interfaces: a test contract does not carry the code of all it tests, needs no
    /// compiling when that changes, and need not be compiled as the escrow is.
    function setUp() public virtual {
        vm.warp(START);
        currency = DevelopmentCurrency(vm.deployCode("DevelopmentCurrency.sol"));
        escrow = IBatchSettlement(vm.deployCode("BatchSettlement.sol"));
        collector = IDepositCollector(vm.deployCode("Erc3009DepositCollector.sol", abi.encode(address(escrow))));
        factory = ICustomerVaultFactory(vm.deployCode("CustomerVaultFactory.sol"));
        registry = IProviderRegistry(vm.deployCode("ProviderRegistry.sol", abi.encode(address(currency))));
    }

    // Channels.

    function channel() internal view returns (IBatchSettlement.ChannelConfig memory) {
        return IBatchSettlement.ChannelConfig({
            payer: payer,
            payerAuthorizer: voucherSigner,
            receiver: RECEIVER,
            receiverAuthorizer: authorizer,
            token: address(currency),
            withdrawDelay: 1 hours,
            salt: 0
        });
    }

    /// @dev A deposit as a plain x402 payer makes it, with fresh money.
    function open(IBatchSettlement.ChannelConfig memory config, uint128 amount) internal returns (bytes32) {
        currency.mint(config.payer, amount);
        bytes32 id = escrow.getChannelId(config);
        bytes memory data = erc3009Deposit(PAYER_KEY, id, amount, ++_salts);
        vm.prank(RELAYER);
        escrow.deposit(config, amount, address(collector), data);
        return id;
    }

    function erc3009Deposit(uint256 key, bytes32 channelId, uint256 amount, uint256 salt)
        internal
        view
        returns (bytes memory)
    {
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        return abi.encode(0, FAR, salt, authorise(key, address(collector), amount, nonce));
    }

    /// @dev An EIP-3009 ReceiveWithAuthorization that never expires.
    function authorise(uint256 key, address to, uint256 amount, bytes32 nonce) internal view returns (bytes memory) {
        bytes32 fields = keccak256(abi.encode(RECEIVE_TYPEHASH, vm.addr(key), to, amount, 0, FAR, nonce));
        return sign(key, keccak256(abi.encodePacked(hex"1901", currency.DOMAIN_SEPARATOR(), fields)));
    }

    function voucher(IBatchSettlement.ChannelConfig memory config, uint256 key, uint128 ceiling, uint128 total)
        internal
        view
        returns (IBatchSettlement.VoucherClaim memory)
    {
        bytes memory signature = sign(key, escrow.getVoucherDigest(escrow.getChannelId(config), ceiling));
        return IBatchSettlement.VoucherClaim(IBatchSettlement.Voucher(config, ceiling), signature, total);
    }

    function one(IBatchSettlement.VoucherClaim memory row)
        internal
        pure
        returns (IBatchSettlement.VoucherClaim[] memory rows)
    {
        rows = new IBatchSettlement.VoucherClaim[](1);
        rows[0] = row;
    }

    function claim(IBatchSettlement.ChannelConfig memory config, uint256 key, uint128 total) internal {
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(config, key, total, total));
        vm.prank(config.receiver);
        escrow.claim(rows);
    }

    function balanceOf(bytes32 channelId) internal view returns (uint256 balance) {
        (balance,) = escrow.channels(channelId);
    }

    function claimedOf(bytes32 channelId) internal view returns (uint256 claimed) {
        (, claimed) = escrow.channels(channelId);
    }

    // Vaults.

    function vaultSettings() internal view returns (ICustomerVault.Settings memory settings) {
        settings.owner = owner;
        settings.escrow = address(escrow);
        settings.currency = address(currency);
        settings.limits = ICustomerVault.Limits({
            cap: 1000e6, receiverCap: 400e6, minWithdrawDelay: 15 minutes, maxWithdrawDelay: 1 days
        });
        settings.hotKeys = new ICustomerVault.HotKey[](1);
        settings.hotKeys[0] = ICustomerVault.HotKey(hotKey, 500e6);
        settings.registries = new address[](1);
        settings.registries[0] = address(registry);
        settings.receivers = new address[](1);
        settings.receivers[0] = RECEIVER;
    }

    function newVault(uint256 money) internal returns (ICustomerVault vault) {
        vault = ICustomerVault(factory.create(vaultSettings(), 0));
        if (money > 0) currency.mint(address(vault), money);
    }

    function vaultChannel(ICustomerVault vault) internal view returns (IBatchSettlement.ChannelConfig memory config) {
        config = channel();
        config.payer = address(vault);
        config.payerAuthorizer = hotKey;
    }

    function drawData(
        ICustomerVault vault,
        IBatchSettlement.ChannelConfig memory config,
        uint256 key,
        uint128 amount,
        bytes32 nonce
    ) internal view returns (bytes memory) {
        bytes32 digest = vault.drawDigest(escrow.getChannelId(config), amount, nonce, FAR);
        return abi.encode(ICustomerVault.DrawAuthorisation(config, nonce, FAR, sign(key, digest)));
    }

    function draw(
        ICustomerVault vault,
        IBatchSettlement.ChannelConfig memory config,
        uint256 key,
        uint128 amount,
        bytes32 nonce
    ) internal {
        bytes memory data = drawData(vault, config, key, amount, nonce);
        vm.prank(RELAYER);
        escrow.deposit(config, amount, address(vault), data);
    }

    // Providers.

    function keysOf(uint256 nodeKey, address payout) internal view returns (IProviderRegistry.Keys memory) {
        return IProviderRegistry.Keys(payout, vm.addr(nodeKey), authorizer, address(0));
    }

    function nodeProof(address who, uint256 nodeKey) internal view returns (bytes memory) {
        return sign(nodeKey, registry.nodeProofDigest(who, vm.addr(nodeKey)));
    }

    function register(address who, uint256 nodeKey, address payout) internal {
        IProviderRegistry.Keys memory keys = keysOf(nodeKey, payout);
        bytes memory proof = nodeProof(who, nodeKey);
        vm.prank(who);
        registry.register(keys, proof, "https://provider.example", 7 days, COURT);
    }

    function lock(address who, uint128 amount) internal {
        currency.mint(who, amount);
        vm.prank(who);
        currency.approve(address(registry), amount);
        vm.prank(who);
        registry.lock(who, amount);
    }

    // Signatures.

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function relay(IRelayed on, uint256 key, bytes memory call, bytes32 nonce) internal {
        bytes[] memory calls = new bytes[](1);
        calls[0] = call;
        bytes memory signature = sign(key, on.relayDigest(vm.addr(key), calls, nonce, FAR));
        vm.prank(RELAYER);
        on.relay(vm.addr(key), calls, nonce, FAR, signature);
    }
}
