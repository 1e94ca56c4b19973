// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../src/interfaces/ICustomerVault.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {Fixture} from "./support/Fixture.sol";

/// @notice What each verb costs as a transaction of its own, calldata included; kept in snapshots/.
/// forge-config: default.isolate = true
contract GasTest is Fixture {
    function test_escrow_deposits() public {
        bytes32 id = escrow.getChannelId(channel());
        currency.mint(payer, 10e6);
        escrow.deposit(channel(), 5e6, address(collector), erc3009Deposit(PAYER_KEY, id, 5e6, 1));
        _record("escrow", "deposit, new channel, EIP-3009");
        escrow.deposit(channel(), 5e6, address(collector), erc3009Deposit(PAYER_KEY, id, 5e6, 2));
        _record("escrow", "deposit, top up, EIP-3009");
    }

    function test_escrow_claims() public {
        uint256[3] memory sizes = [uint256(1), 10, 50];
        for (uint256 i = 0; i < sizes.length; ++i) {
            IBatchSettlement.VoucherClaim[] memory rows = _rows(sizes[i], 1e6);
            escrow.claimWithSignature(rows, sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(rows)));
        }
        // Second claims: the channels' slots are no longer zero, as in use.
        string[3] memory names =
            ["claimWithSignature, 1 row", "claimWithSignature, 10 rows", "claimWithSignature, 50 rows"];
        for (uint256 i = 0; i < sizes.length; ++i) {
            IBatchSettlement.VoucherClaim[] memory rows = _rows(sizes[i], 2e6 + uint128(i));
            bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(rows));
            escrow.claimWithSignature(rows, signature);
            _record("escrow", names[i]);
        }
    }

    function test_escrow_settles_and_pays_back() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        open(config, 10e6);
        claim(config, VOUCHER_KEY, 2e6);
        escrow.settle(RECEIVER, address(currency));
        _record("escrow", "settle, first");
        claim(config, VOUCHER_KEY, 3e6);
        escrow.settle(RECEIVER, address(currency));
        _record("escrow", "settle, later");
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getRefundDigest(escrow.getChannelId(config), 0, 1e6));
        escrow.refundWithSignature(config, 1e6, 0, signature);
        _record("escrow", "refundWithSignature");
        vm.prank(payer);
        escrow.initiateWithdraw(config, 1e6);
        _record("escrow", "initiateWithdraw");
        vm.warp(START + 1 hours);
        vm.prank(payer);
        escrow.finalizeWithdraw(config);
        _record("escrow", "finalizeWithdraw");
    }

    function test_vault() public {
        ICustomerVault vault = ICustomerVault(factory.create(vaultSettings(), 0));
        _record("vault", "create");
        currency.mint(payer, 1000e6);
        vault.fund(payer, 1000e6, 0, FAR, "n", authorise(PAYER_KEY, address(vault), 1000e6, "n"));
        _record("vault", "fund");

        register(provider, NODE_KEY, OTHER_RECEIVER);
        IBatchSettlement.ChannelConfig memory config = vaultChannel(vault);
        config.receiver = OTHER_RECEIVER;
        bytes memory data = drawData(vault, config, HOT_KEY, 100e6, "a");
        escrow.deposit(config, 100e6, address(vault), data);
        _record("vault", "draw, new channel, registered provider");
        data = drawData(vault, config, HOT_KEY, 100e6, "b");
        escrow.deposit(config, 100e6, address(vault), data);
        _record("vault", "draw, top up");

        bytes[] memory calls = new bytes[](1);
        calls[0] = abi.encodeCall(ICustomerVault.addHotKey, (otherHotKey, 5e6));
        bytes memory signature = sign(OWNER_KEY, vault.relayDigest(owner, calls, "c", FAR));
        vault.relay(owner, calls, "c", FAR, signature);
        _record("vault", "relay addHotKey");
        calls[0] = abi.encodeCall(ICustomerVault.withdraw, (address(currency), 100e6));
        signature = sign(OWNER_KEY, vault.relayDigest(owner, calls, "d", FAR));
        vault.relay(owner, calls, "d", FAR, signature);
        _record("vault", "relay withdraw");
    }

    function test_registry() public {
        IProviderRegistry.Keys memory keys = keysOf(NODE_KEY, RECEIVER);
        bytes memory proof = nodeProof(provider, NODE_KEY);
        vm.prank(provider);
        registry.register(keys, proof, "https://provider.example", 7 days, COURT);
        _record("registry", "register");
        vm.prank(provider);
        registry.updateEndpoint("https://b");
        _record("registry", "updateEndpoint");
        currency.mint(payer, 10e6);
        bytes memory signature =
            authorise(PAYER_KEY, address(registry), 10e6, keccak256(abi.encode(provider, bytes32("s"))));
        registry.lockWithAuthorization(provider, payer, 10e6, 0, FAR, "s", signature);
        _record("registry", "lockWithAuthorization");
        vm.prank(COURT);
        registry.slash(provider, 1e6, STRANGER);
        _record("registry", "slash");
        vm.prank(provider);
        registry.leave();
        _record("registry", "leave");
        vm.warp(START + 7 days);
        registry.release(provider);
        _record("registry", "release");
        registry.states(0, 100);
        _record("registry", "states, 1 provider");
    }

    function _rows(uint256 count, uint128 total) private returns (IBatchSettlement.VoucherClaim[] memory rows) {
        rows = new IBatchSettlement.VoucherClaim[](count);
        for (uint256 i = 0; i < count; ++i) {
            IBatchSettlement.ChannelConfig memory config = channel();
            config.salt = bytes32(i);
            if (balanceOf(escrow.getChannelId(config)) == 0) open(config, 10e6);
            rows[i] = voucher(config, VOUCHER_KEY, total, total);
        }
    }

    function _record(string memory group, string memory verb) private {
        vm.snapshotGasLastCall(group, verb);
    }
}
