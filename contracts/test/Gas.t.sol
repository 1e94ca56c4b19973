// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../src/interfaces/ICustomerVault.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {Fixture} from "./support/Fixture.sol";

/// @notice What each verb costs as a transaction of its own, calldata included; kept in snapshots/.
/// forge-config: default.isolate = true
contract GasTest is Fixture {
    bytes32 private constant TRANSFER_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,"
        "bytes32 nonce)"
    );

    function test_escrow_deposits() public {
        bytes32 id = escrow.getChannelId(channel());
        currency.mint(payer, 10e6);
        escrow.deposit(channel(), 5e6, address(collector), erc3009Deposit(PAYER_KEY, id, 5e6, 1));
        _record("escrow", "deposit, new channel, EIP-3009");
        escrow.deposit(channel(), 5e6, address(collector), erc3009Deposit(PAYER_KEY, id, 5e6, 2));
        _record("escrow", "deposit, top up, EIP-3009");
    }

    function test_escrow_claims() public {
        string[3] memory sizes = ["1 channel", "10 channels", "100 channels"];
        uint256[3] memory counts = [uint256(1), 10, 100];
        // First claims: after them the slots of channels and receiver are no longer zero, as in use.
        _claimSigned(_rows(100, 1e6));
        for (uint128 i = 0; i < counts.length; ++i) {
            _claimSigned(_rows(counts[i], 2e6 + 2 * i));
            _record("escrow", string.concat("claimWithSignature, ", sizes[i]));
            IBatchSettlement.VoucherClaim[] memory rows = _rows(counts[i], 2e6 + 2 * i + 1);
            vm.prank(authorizer);
            escrow.claim(rows);
            _record("escrow", string.concat("claim, ", sizes[i]));
        }
    }

    /// @dev What others ask for one payment, in the same currency and to a receiver that has some.
    function test_other_payments() public {
        currency.mint(payer, 10e6);
        currency.mint(RECEIVER, 1e6);
        vm.prank(payer);
        currency.transfer(RECEIVER, 1e6);
        _record("others", "ERC-20 transfer");
        bytes32 fields = keccak256(abi.encode(TRANSFER_TYPEHASH, payer, RECEIVER, uint256(1e6), 0, FAR, bytes32("n")));
        bytes memory signature =
            sign(PAYER_KEY, keccak256(abi.encodePacked(hex"1901", currency.DOMAIN_SEPARATOR(), fields)));
        currency.transferWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "n", signature);
        _record("others", "x402 exact, EIP-3009");
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
            config.salt = keccak256(abi.encode(i));
            if (balanceOf(escrow.getChannelId(config)) == 0) open(config, 10e6);
            rows[i] = voucher(config, VOUCHER_KEY, total, total);
        }
    }

    function _claimSigned(IBatchSettlement.VoucherClaim[] memory rows) private {
        bytes memory signature = sign(AUTHORIZER_KEY, escrow.getClaimBatchDigest(rows));
        vm.prank(RELAYER);
        escrow.claimWithSignature(rows, signature);
    }

    function _record(string memory group, string memory verb) private {
        vm.snapshotGasLastCall(group, verb);
    }
}
