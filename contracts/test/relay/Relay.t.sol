// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Relayed} from "../../src/Relayed.sol";
import {IRelayed} from "../../src/interfaces/IRelayed.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Remembers who acted, and calls out in the middle of a relayed call.
contract Notebook is Relayed {
    address public last;
    uint256 public count;

    function write() external {
        last = _actor();
        ++count;
    }

    function callOut(address other) external {
        (bool done,) = other.call("");
        require(done, "callOut");
    }

    function fail() external pure {
        revert("fail");
    }
}

/// @notice Called in the middle of somebody's relayed call, writes under its own name.
contract Intruder {
    Notebook private immutable _notebook;

    constructor(Notebook notebook) {
        _notebook = notebook;
    }

    fallback() external {
        _notebook.write();
    }
}

contract RelayTest is Fixture {
    Notebook private _notebook;

    function setUp() public override {
        super.setUp();
        _notebook = new Notebook();
    }

    function test_acts_as_the_signer() public {
        bytes[] memory calls = _calls(abi.encodeCall(Notebook.write, ()));
        bytes memory signature = sign(OWNER_KEY, _notebook.relayDigest(owner, calls, "n", FAR));
        vm.expectEmit();
        emit IRelayed.Relayed(owner, "n", RELAYER);
        vm.prank(RELAYER);
        _notebook.relay(owner, calls, "n", FAR, signature);
        assertEq(_notebook.last(), owner, "actor");
    }

    function test_a_direct_call_acts_as_the_sender() public {
        vm.prank(STRANGER);
        _notebook.write();
        assertEq(_notebook.last(), STRANGER, "actor");
    }

    function test_works_once_and_in_time() public {
        bytes[] memory calls = _calls(abi.encodeCall(Notebook.write, ()));
        bytes memory signature = sign(OWNER_KEY, _notebook.relayDigest(owner, calls, "n", uint64(START)));
        vm.warp(START + 1);
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationExpired.selector, START));
        _notebook.relay(owner, calls, "n", uint64(START), signature);
        vm.warp(START);
        _notebook.relay(owner, calls, "n", uint64(START), signature);
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationNonceUsed.selector, owner, bytes32("n")));
        _notebook.relay(owner, calls, "n", uint64(START), signature);
        assertTrue(_notebook.isNonceUsed(owner, "n") && !_notebook.isNonceUsed(owner, "m"), "nonces");
    }

    function test_rejects_anything_not_signed() public {
        bytes[] memory calls = _calls(abi.encodeCall(Notebook.write, ()));
        bytes memory signature = sign(OWNER_KEY, _notebook.relayDigest(owner, calls, "n", FAR));
        bytes memory invalid = abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, owner);
        vm.expectRevert(invalid);
        _notebook.relay(owner, calls, "m", FAR, signature);
        vm.expectRevert(invalid);
        _notebook.relay(owner, calls, "n", FAR - 1, signature);
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, STRANGER));
        _notebook.relay(STRANGER, calls, "n", FAR, signature);
        calls[0] = abi.encodeCall(Notebook.fail, ());
        vm.expectRevert(invalid);
        _notebook.relay(owner, calls, "n", FAR, signature);
        Notebook other = new Notebook();
        calls[0] = abi.encodeCall(Notebook.write, ());
        vm.expectRevert(invalid);
        other.relay(owner, calls, "n", FAR, signature);
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, address(0)));
        _notebook.relay(address(0), calls, "n", FAR, "");
    }

    function test_runs_all_calls_or_none() public {
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(Notebook.write, ());
        calls[1] = abi.encodeCall(Notebook.fail, ());
        bytes memory signature = sign(OWNER_KEY, _notebook.relayDigest(owner, calls, "n", FAR));
        vm.expectRevert(bytes("fail"));
        _notebook.relay(owner, calls, "n", FAR, signature);
        assertEq(_notebook.count(), 0, "count");
        assertTrue(!_notebook.isNonceUsed(owner, "n"), "nonce");
    }

    function test_lends_the_signers_name_to_nobody_called_meanwhile() public {
        Intruder intruder = new Intruder(_notebook);
        relay(_notebook, OWNER_KEY, abi.encodeCall(Notebook.callOut, (address(intruder))), "n");
        assertEq(_notebook.last(), address(intruder), "actor");
    }

    function test_lends_the_signers_name_to_no_inner_relay() public {
        bytes[] memory inner = _calls(abi.encodeCall(Notebook.write, ()));
        bytes memory signature = sign(HOT_KEY, _notebook.relayDigest(hotKey, inner, "n", FAR));
        bytes[] memory outer = _calls(abi.encodeCall(IRelayed.relay, (hotKey, inner, bytes32("n"), FAR, signature)));
        signature = sign(OWNER_KEY, _notebook.relayDigest(owner, outer, "n", FAR));
        vm.expectRevert(abi.encodeWithSelector(IRelayed.RelayInProgress.selector, owner));
        _notebook.relay(owner, outer, "n", FAR, signature);
    }

    function test_a_key_with_code_still_signs() public {
        vm.etch(owner, abi.encodePacked(hex"ef0100", address(1)));
        relay(_notebook, OWNER_KEY, abi.encodeCall(Notebook.write, ()), "n");
        assertEq(_notebook.last(), owner, "actor");
    }

    function _calls(bytes memory call) private pure returns (bytes[] memory calls) {
        calls = new bytes[](1);
        calls[0] = call;
    }
}
