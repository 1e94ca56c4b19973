// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevelopmentCurrency} from "../../src/DevelopmentCurrency.sol";
import {Fixture} from "../support/Fixture.sol";
import {Wallet} from "../support/Wallet.sol";

contract DeployTest is Fixture {
    function test_exists_on_development_chains() public {
        vm.chainId(1337);
        new DevelopmentCurrency();
        vm.chainId(31337);
        new DevelopmentCurrency();
    }

    function test_refuses_any_other_chain() public {
        uint256[3] memory chains = [uint256(1), 8453, 11155111];
        for (uint256 i = 0; i < chains.length; ++i) {
            vm.chainId(chains[i]);
            vm.expectRevert(abi.encodeWithSelector(DevelopmentCurrency.NotDevelopmentChain.selector, chains[i]));
            new DevelopmentCurrency();
        }
    }

    function test_looks_like_usdc() public view {
        assertEq(currency.decimals(), 6, "decimals");
        assertEq(currency.name(), "Souk Development Dollar", "name");
        assertEq(currency.version(), "1", "version");
    }
}

contract MintTest is Fixture {
    function test_is_open_to_anyone() public {
        vm.prank(STRANGER);
        currency.mint(STRANGER, 7);
        assertEq(currency.balanceOf(STRANGER), 7, "balance");
    }

    function test_stops_when_the_chain_becomes_another() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(DevelopmentCurrency.NotDevelopmentChain.selector, 1));
        currency.mint(STRANGER, 7);
    }
}

contract AuthorisationTest is Fixture {
    bytes32 private constant TRANSFER_TYPEHASH = keccak256(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,"
        "bytes32 nonce)"
    );

    function setUp() public override {
        super.setUp();
        currency.mint(payer, 10e6);
    }

    function test_transfer_takes_both_forms_of_signature() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, _digest(TRANSFER_TYPEHASH, payer, 1e6, "a"));
        currency.transferWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "a", v, r, s);
        bytes memory signature = sign(PAYER_KEY, _digest(TRANSFER_TYPEHASH, payer, 1e6, "b"));
        currency.transferWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "b", signature);
        assertEq(currency.balanceOf(RECEIVER), 2e6, "receiver");
        assertTrue(currency.authorizationState(payer, "a") && currency.authorizationState(payer, "b"), "used");
    }

    function test_receive_takes_both_forms_of_signature() public {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, _digest(RECEIVE_TYPEHASH, payer, 1e6, "a"));
        vm.prank(RECEIVER);
        currency.receiveWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "a", v, r, s);
        bytes memory signature = sign(PAYER_KEY, _digest(RECEIVE_TYPEHASH, payer, 1e6, "b"));
        vm.prank(RECEIVER);
        currency.receiveWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "b", signature);
        assertEq(currency.balanceOf(RECEIVER), 2e6, "receiver");
    }

    function test_receive_is_for_the_payee_only() public {
        bytes memory signature = sign(PAYER_KEY, _digest(RECEIVE_TYPEHASH, payer, 1e6, "a"));
        vm.expectRevert(abi.encodeWithSignature("ERC20InvalidReceiver(address)", RECEIVER));
        vm.prank(STRANGER);
        currency.receiveWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "a", signature);
    }

    function test_nonces_need_no_order_and_work_once() public {
        bytes32[3] memory nonces = [bytes32(uint256(9)), bytes32(uint256(1) << 200), bytes32(0)];
        for (uint256 i = 0; i < nonces.length; ++i) {
            bytes memory signature = sign(PAYER_KEY, _digest(TRANSFER_TYPEHASH, payer, 1, nonces[i]));
            currency.transferWithAuthorization(payer, RECEIVER, 1, 0, FAR, nonces[i], signature);
            vm.expectPartialRevert(bytes4(keccak256("ERC3009UsedAuthorization(address,bytes32)")));
            currency.transferWithAuthorization(payer, RECEIVER, 1, 0, FAR, nonces[i], signature);
        }
    }

    function test_rejects_another_signer_and_another_amount() public {
        bytes memory signature = sign(HOT_KEY, _digest(TRANSFER_TYPEHASH, payer, 1e6, "a"));
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        currency.transferWithAuthorization(payer, RECEIVER, 1e6, 0, FAR, "a", signature);
        signature = sign(PAYER_KEY, _digest(TRANSFER_TYPEHASH, payer, 1e6, "a"));
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        currency.transferWithAuthorization(payer, RECEIVER, 2e6, 0, FAR, "a", signature);
    }

    function test_rejects_an_authorisation_out_of_time() public {
        bytes32 fields = keccak256(abi.encode(TRANSFER_TYPEHASH, payer, RECEIVER, 1, START, START + 10, bytes32("a")));
        bytes memory signature = sign(PAYER_KEY, _domain(fields));
        bytes memory expected =
            abi.encodeWithSignature("ERC3009InvalidAuthorizationTime(uint256,uint256)", START, START + 10);
        vm.expectRevert(expected);
        currency.transferWithAuthorization(payer, RECEIVER, 1, START, START + 10, "a", signature);
        vm.warp(START + 10);
        vm.expectRevert(expected);
        currency.transferWithAuthorization(payer, RECEIVER, 1, START, START + 10, "a", signature);
        vm.warp(START + 9);
        currency.transferWithAuthorization(payer, RECEIVER, 1, START, START + 10, "a", signature);
    }

    function test_a_contract_can_sign() public {
        address wallet = address(new Wallet(payer));
        currency.mint(wallet, 1e6);
        bytes memory signature = sign(PAYER_KEY, _digest(TRANSFER_TYPEHASH, wallet, 1e6, "a"));
        currency.transferWithAuthorization(wallet, RECEIVER, 1e6, 0, FAR, "a", signature);
        assertEq(currency.balanceOf(RECEIVER), 1e6, "receiver");
    }

    function test_permit_gives_an_allowance() public {
        bytes32 typeHash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 fields = keccak256(abi.encode(typeHash, payer, STRANGER, 5, 0, FAR));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(PAYER_KEY, _domain(fields));
        currency.permit(payer, STRANGER, 5, FAR, v, r, s);
        assertEq(currency.allowance(payer, STRANGER), 5, "allowance");
    }

    function _digest(bytes32 typeHash, address from, uint256 amount, bytes32 nonce) private view returns (bytes32) {
        return _domain(keccak256(abi.encode(typeHash, from, RECEIVER, amount, 0, FAR, nonce)));
    }

    function _domain(bytes32 fields) private view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", currency.DOMAIN_SEPARATOR(), fields));
    }
}
