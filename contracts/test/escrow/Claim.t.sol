// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {Fixture} from "../support/Fixture.sol";
import {Wallet} from "../support/Wallet.sol";

contract ClaimTest is Fixture {
    IBatchSettlement.ChannelConfig private _config;
    bytes32 private _id;

    function setUp() public override {
        super.setUp();
        _config = channel();
        _id = open(_config, 100e6);
    }

    function test_books_less_than_the_ceiling_and_moves_no_money() public {
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(_config, VOUCHER_KEY, 30e6, 20e6));
        vm.expectEmit();
        emit IBatchSettlement.Claimed(_id, RECEIVER, 20e6, 20e6);
        vm.prank(RECEIVER);
        escrow.claim(rows);

        assertEq(claimedOf(_id), 20e6, "claimed");
        assertEq(balanceOf(_id), 100e6, "balance");
        assertEq(currency.balanceOf(RECEIVER), 0, "receiver");
        (uint128 claimed, uint128 settled) = escrow.receivers(RECEIVER, address(currency));
        assertEq(claimed, 20e6, "receiver's sum");
        assertEq(settled, 0, "settled");
    }

    function test_books_the_rest_of_a_higher_voucher() public {
        claim(_config, VOUCHER_KEY, 20e6);
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(_config, VOUCHER_KEY, 50e6, 50e6));
        vm.expectEmit();
        emit IBatchSettlement.Claimed(_id, RECEIVER, 30e6, 50e6);
        vm.prank(RECEIVER);
        escrow.claim(rows);
    }

    function test_changes_nothing_for_a_voucher_claimed_before() public {
        claim(_config, VOUCHER_KEY, 20e6);
        claim(_config, VOUCHER_KEY, 20e6);
        claim(_config, VOUCHER_KEY, 10e6);
        assertEq(claimedOf(_id), 20e6, "claimed");
        (uint128 claimed,) = escrow.receivers(RECEIVER, address(currency));
        assertEq(claimed, 20e6, "receiver's sum");
    }

    function test_is_open_to_the_receivers_authorizer() public {
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(_config, VOUCHER_KEY, 20e6, 20e6));
        vm.prank(authorizer);
        escrow.claim(rows);
        assertEq(claimedOf(_id), 20e6, "claimed");
    }

    function test_is_closed_to_anyone_else() public {
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(_config, VOUCHER_KEY, 20e6, 20e6));
        address[3] memory others = [payer, voucherSigner, STRANGER];
        for (uint256 i = 0; i < others.length; ++i) {
            vm.expectRevert(IBatchSettlement.NotAuthorizedToClaim.selector);
            vm.prank(others[i]);
            escrow.claim(rows);
        }
    }

    function test_rejects_an_empty_batch() public {
        vm.expectRevert(IBatchSettlement.EmptyBatch.selector);
        escrow.claim(new IBatchSettlement.VoucherClaim[](0));
    }

    function test_rejects_more_than_the_ceiling() public {
        _rejects(voucher(_config, VOUCHER_KEY, 20e6, 20e6 + 1), IBatchSettlement.ClaimExceedsCeiling.selector);
    }

    function test_rejects_more_than_the_balance() public {
        _rejects(voucher(_config, VOUCHER_KEY, 101e6, 101e6), IBatchSettlement.ClaimExceedsBalance.selector);
    }

    function test_rejects_another_keys_voucher() public {
        _rejects(voucher(_config, PAYER_KEY, 20e6, 20e6), IBatchSettlement.InvalidSignature.selector);
    }

    function test_rejects_a_voucher_of_another_channel() public {
        IBatchSettlement.ChannelConfig memory other = _config;
        other.salt = bytes32(uint256(1));
        IBatchSettlement.VoucherClaim memory row = voucher(other, VOUCHER_KEY, 20e6, 20e6);
        row.voucher.channel = channel();
        _rejects(row, IBatchSettlement.InvalidSignature.selector);
    }

    function test_rejects_a_signature_of_the_wrong_length() public {
        IBatchSettlement.VoucherClaim memory row = voucher(_config, VOUCHER_KEY, 20e6, 20e6);
        row.signature = "";
        IBatchSettlement.VoucherClaim[] memory rows = one(row);
        vm.expectRevert(abi.encodeWithSignature("ECDSAInvalidSignatureLength(uint256)", 0));
        vm.prank(RECEIVER);
        escrow.claim(rows);
    }

    function test_takes_all_rows_or_none() public {
        IBatchSettlement.ChannelConfig memory other = channel();
        other.salt = bytes32(uint256(1));
        open(other, 1e6);
        IBatchSettlement.VoucherClaim[] memory rows = new IBatchSettlement.VoucherClaim[](2);
        rows[0] = voucher(_config, VOUCHER_KEY, 20e6, 20e6);
        rows[1] = voucher(other, VOUCHER_KEY, 2e6, 2e6);
        vm.expectRevert(IBatchSettlement.ClaimExceedsBalance.selector);
        vm.prank(RECEIVER);
        escrow.claim(rows);

        rows[1] = voucher(other, VOUCHER_KEY, 1e6, 1e6);
        vm.prank(RECEIVER);
        escrow.claim(rows);
        (uint128 claimed,) = escrow.receivers(RECEIVER, address(currency));
        assertEq(claimed, 21e6, "receiver's sum");
    }

    function test_without_payer_authorizer_the_payers_key_signs() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        config.payerAuthorizer = address(0);
        bytes32 id = open(config, 10e6);
        IBatchSettlement.VoucherClaim[] memory rows = one(voucher(config, VOUCHER_KEY, 1e6, 1e6));
        vm.expectRevert(IBatchSettlement.InvalidSignature.selector);
        vm.prank(RECEIVER);
        escrow.claim(rows);
        claim(config, PAYER_KEY, 4e6);
        assertEq(claimedOf(id), 4e6, "claimed");
    }

    function test_without_payer_authorizer_a_payer_contract_signs() public {
        vm.etch(payer, address(new Wallet(voucherSigner)).code);
        IBatchSettlement.ChannelConfig memory config = channel();
        config.payerAuthorizer = address(0);
        currency.mint(payer, 10e6);
        bytes32 id = escrow.getChannelId(config);
        bytes32 nonce = keccak256(abi.encode(id, uint256(3)));
        bytes32 fields =
            keccak256(abi.encode(RECEIVE_TYPEHASH, payer, address(collector), uint256(10e6), 0, FAR, nonce));
        bytes memory signature =
            sign(VOUCHER_KEY, keccak256(abi.encodePacked(hex"1901", currency.DOMAIN_SEPARATOR(), fields)));
        escrow.deposit(config, 10e6, address(collector), abi.encode(0, FAR, 3, signature));

        claim(config, VOUCHER_KEY, 4e6);
        assertEq(claimedOf(id), 4e6, "claimed");
    }

    function testFuzz_pays_a_voucher_once_in_any_order(uint128[8] memory totals) public {
        uint128 highest = 0;
        for (uint256 i = 0; i < totals.length; ++i) {
            uint128 total = uint128(bound(totals[i], 1, 100e6));
            if (total > highest) highest = total;
            claim(_config, VOUCHER_KEY, total);
        }
        escrow.settle(RECEIVER, address(currency));
        assertEq(currency.balanceOf(RECEIVER), highest, "paid");
    }

    function testFuzz_rejects_a_forged_signature(uint128 ceiling, bytes32 r, bytes32 s, uint8 v) public {
        ceiling = uint128(bound(ceiling, 1, 100e6));
        IBatchSettlement.VoucherClaim memory row = voucher(_config, VOUCHER_KEY, ceiling, ceiling);
        row.signature = abi.encodePacked(r, s, v);
        IBatchSettlement.VoucherClaim[] memory rows = one(row);
        vm.expectRevert();
        vm.prank(RECEIVER);
        escrow.claim(rows);
    }

    function _rejects(IBatchSettlement.VoucherClaim memory row, bytes4 selector) private {
        IBatchSettlement.VoucherClaim[] memory rows = one(row);
        vm.expectRevert(selector);
        vm.prank(RECEIVER);
        escrow.claim(rows);
    }
}
