// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../src/interfaces/ICustomerVault.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {Fixture} from "./support/Fixture.sol";

/// @notice Digests and encodings against vectors that viem computed, with the code copied to the vectors' addresses.
contract VectorsTest is Fixture {
    string private _json;

    function setUp() public override {
        super.setUp();
        _json = vm.readFile("../vectors/contracts/digests.json");
        vm.etch(_address(".escrow"), address(escrow).code);
        vm.etch(_address(".vault"), address(newVault(0)).code);
        vm.etch(_address(".registry"), address(registry).code);
    }

    function test_channel_id() public view {
        assertEq(_escrow().getChannelId(_channel()), _word(".channel.id"), "id");
    }

    function test_voucher() public view {
        uint128 ceiling = uint128(vm.parseJsonUint(_json, ".voucher.message.maxClaimableAmount"));
        bytes32 digest = _escrow().getVoucherDigest(_word(".channel.id"), ceiling);
        assertEq(digest, _word(".voucher.digest"), "digest");
        assertEq(sign(VOUCHER_KEY, digest), vm.parseJsonBytes(_json, ".voucher.signature"), "signature");
    }

    function test_refund() public view {
        uint256 nonce = vm.parseJsonUint(_json, ".refund.message.nonce");
        uint128 amount = uint128(vm.parseJsonUint(_json, ".refund.message.amount"));
        bytes32 digest = _escrow().getRefundDigest(_word(".channel.id"), nonce, amount);
        assertEq(digest, _word(".refund.digest"), "digest");
        assertEq(sign(AUTHORIZER_KEY, digest), vm.parseJsonBytes(_json, ".refund.signature"), "signature");
    }

    function test_claim_batch() public view {
        string memory row = ".claimBatch.message.claims[0]";
        IBatchSettlement.VoucherClaim memory claim;
        claim.voucher.channel = _channel();
        claim.voucher.maxClaimableAmount = uint128(vm.parseJsonUint(_json, string.concat(row, ".maxClaimableAmount")));
        claim.totalClaimed = uint128(vm.parseJsonUint(_json, string.concat(row, ".totalClaimed")));
        assertEq(_escrow().getClaimBatchDigest(one(claim)), _word(".claimBatch.digest"), "digest");
    }

    function test_draw() public view {
        uint128 amount = uint128(vm.parseJsonUint(_json, ".draw.message.amount"));
        bytes32 nonce = _word(".draw.message.nonce");
        uint64 deadline = uint64(vm.parseJsonUint(_json, ".draw.message.deadline"));
        bytes32 digest = _vault().drawDigest(_word(".channel.id"), amount, nonce, deadline);
        assertEq(digest, _word(".draw.digest"), "digest");
        bytes memory signature = sign(VOUCHER_KEY, digest);
        assertEq(signature, vm.parseJsonBytes(_json, ".draw.signature"), "signature");
        ICustomerVault.DrawAuthorisation memory authorisation =
            ICustomerVault.DrawAuthorisation(_channel(), nonce, deadline, signature);
        assertEq(_vault().encodeDraw(authorisation), vm.parseJsonBytes(_json, ".draw.collectorData"), "data");
    }

    function test_relay() public view {
        bytes[] memory calls = new bytes[](2);
        calls[0] = vm.parseJsonBytes(_json, ".relay.message.calls[0]");
        calls[1] = vm.parseJsonBytes(_json, ".relay.message.calls[1]");
        uint64 deadline = uint64(vm.parseJsonUint(_json, ".relay.message.deadline"));
        address account = _address(".relay.message.account");
        bytes32 digest = _vault().relayDigest(account, calls, _word(".relay.message.nonce"), deadline);
        assertEq(digest, _word(".relay.digest"), "digest");
    }

    function test_node_key() public view {
        IProviderRegistry at = IProviderRegistry(_address(".registry"));
        bytes32 digest = at.nodeProofDigest(_address(".nodeKey.message.provider"), _address(".nodeKey.message.node"));
        assertEq(digest, _word(".nodeKey.digest"), "digest");
    }

    function test_nonces_bound_to_channel_and_provider() public view {
        bytes32 nonce = keccak256(abi.encode(_word(".depositNonce.channelId"), _word(".depositNonce.salt")));
        assertEq(nonce, _word(".depositNonce.nonce"), "deposit");
        nonce = keccak256(abi.encode(_address(".stakeNonce.provider"), _word(".stakeNonce.salt")));
        assertEq(nonce, _word(".stakeNonce.nonce"), "stake");
    }

    function _channel() private view returns (IBatchSettlement.ChannelConfig memory) {
        return IBatchSettlement.ChannelConfig({
            payer: _address(".channel.payer"),
            payerAuthorizer: _address(".channel.payerAuthorizer"),
            receiver: _address(".channel.receiver"),
            receiverAuthorizer: _address(".channel.receiverAuthorizer"),
            token: _address(".channel.token"),
            withdrawDelay: uint40(vm.parseJsonUint(_json, ".channel.withdrawDelay")),
            salt: _word(".channel.salt")
        });
    }

    function _escrow() private view returns (IBatchSettlement) {
        return IBatchSettlement(_address(".escrow"));
    }

    function _vault() private view returns (ICustomerVault) {
        return ICustomerVault(_address(".vault"));
    }

    function _address(string memory path) private view returns (address) {
        return vm.parseJsonAddress(_json, path);
    }

    function _word(string memory path) private view returns (bytes32) {
        return vm.parseJsonBytes32(_json, path);
    }
}
