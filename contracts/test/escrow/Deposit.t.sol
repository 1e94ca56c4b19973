// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {IDepositCollector} from "../../src/interfaces/IDepositCollector.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice A collector that does what it is told, not what it is asked.
contract DisloyalCollector is IDepositCollector {
    enum Deed {
        BringAll,
        BringLess,
        BringMore,
        Reenter
    }

    Deed private immutable _deed;

    constructor(Deed deed) {
        _deed = deed;
    }

    function collect(address, address token, uint256 amount, bytes32, bytes calldata data) external {
        if (_deed == Deed.Reenter) {
            (IBatchSettlement.ChannelConfig memory config) = abi.decode(data, (IBatchSettlement.ChannelConfig));
            IBatchSettlement(msg.sender).refund(config, 1);
        }
        if (_deed == Deed.BringLess) amount -= 1;
        if (_deed == Deed.BringMore) amount += 1;
        (bool minted,) = token.call(abi.encodeWithSignature("mint(address,uint256)", msg.sender, amount));
        require(minted);
    }
}

contract DepositTest is Fixture {
    function test_books_the_amount_and_announces_a_new_channel() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        bytes32 id = escrow.getChannelId(config);
        currency.mint(payer, 5e6);
        bytes memory data = erc3009Deposit(PAYER_KEY, id, 5e6, 7);

        vm.expectEmit();
        emit IBatchSettlement.ChannelCreated(id, config);
        vm.expectEmit();
        emit IBatchSettlement.Deposited(id, RELAYER, 5e6, 5e6);
        vm.prank(RELAYER);
        escrow.deposit(config, 5e6, address(collector), data);

        assertEq(balanceOf(id), 5e6, "channel");
        assertEq(currency.balanceOf(address(escrow)), 5e6, "escrow");
        assertEq(currency.balanceOf(payer), 0, "payer");
    }

    function test_tops_up_the_same_channel() public {
        bytes32 id = open(channel(), 5e6);
        open(channel(), 2e6);
        assertEq(balanceOf(id), 7e6, "channel");
    }

    function test_announces_a_drained_channel_again() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        open(config, 5e6);
        vm.prank(RECEIVER);
        escrow.refund(config, 5e6);

        bytes32 id = escrow.getChannelId(config);
        currency.mint(payer, 1e6);
        bytes memory data = erc3009Deposit(PAYER_KEY, id, 1e6, 99);
        vm.expectEmit();
        emit IBatchSettlement.ChannelCreated(id, config);
        escrow.deposit(config, 1e6, address(collector), data);
    }

    function test_keeps_channels_of_different_salt_apart() public {
        IBatchSettlement.ChannelConfig memory other = channel();
        other.salt = bytes32(uint256(1));
        bytes32 first = open(channel(), 5e6);
        bytes32 second = open(other, 3e6);
        assertEq(balanceOf(first), 5e6, "first");
        assertEq(balanceOf(second), 3e6, "second");
    }

    function test_rejects_a_channel_with_a_missing_party() public {
        for (uint256 i = 0; i < 4; ++i) {
            IBatchSettlement.ChannelConfig memory config = channel();
            if (i == 0) config.payer = address(0);
            if (i == 1) config.receiver = address(0);
            if (i == 2) config.receiverAuthorizer = address(0);
            if (i == 3) config.token = address(0);
            vm.expectRevert(IBatchSettlement.InvalidChannel.selector);
            escrow.deposit(config, 1, address(collector), "");
        }
    }

    function test_rejects_a_delay_outside_the_bounds() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        config.withdrawDelay = 15 minutes - 1;
        vm.expectRevert(IBatchSettlement.WithdrawDelayOutOfRange.selector);
        escrow.deposit(config, 1, address(collector), "");
        config.withdrawDelay = 30 days + 1;
        vm.expectRevert(IBatchSettlement.WithdrawDelayOutOfRange.selector);
        escrow.deposit(config, 1, address(collector), "");
    }

    function test_accepts_the_bounds_themselves() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        config.withdrawDelay = 15 minutes;
        open(config, 1);
        config.withdrawDelay = 30 days;
        open(config, 1);
    }

    function test_rejects_nothing_and_nobody() public {
        vm.expectRevert(IBatchSettlement.ZeroDeposit.selector);
        escrow.deposit(channel(), 0, address(collector), "");
        vm.expectRevert(IBatchSettlement.InvalidCollector.selector);
        escrow.deposit(channel(), 1, address(0), "");
    }

    function test_rejects_a_collector_that_brings_another_amount() public {
        DisloyalCollector.Deed[2] memory deeds = [DisloyalCollector.Deed.BringLess, DisloyalCollector.Deed.BringMore];
        for (uint256 i = 0; i < deeds.length; ++i) {
            address disloyal = address(new DisloyalCollector(deeds[i]));
            vm.expectRevert(IBatchSettlement.DepositCollectionFailed.selector);
            escrow.deposit(channel(), 10, disloyal, "");
        }
    }

    function test_stops_a_collector_that_comes_back_in() public {
        IBatchSettlement.ChannelConfig memory config = channel();
        DisloyalCollector disloyal = new DisloyalCollector(DisloyalCollector.Deed.Reenter);
        config.receiver = address(disloyal);
        vm.expectRevert(bytes4(keccak256("ReentrancyGuardReentrantCall()")));
        escrow.deposit(config, 10, address(disloyal), abi.encode(config));
    }

    function test_rejects_more_than_a_channel_can_hold() public {
        address loyal = address(new DisloyalCollector(DisloyalCollector.Deed.BringAll));
        escrow.deposit(channel(), type(uint128).max, loyal, "");
        vm.expectRevert(IBatchSettlement.DepositOverflow.selector);
        escrow.deposit(channel(), 1, loyal, "");
    }

    function testFuzz_books_any_amount(uint128 amount, bytes32 salt) public {
        vm.assume(amount > 0);
        IBatchSettlement.ChannelConfig memory config = channel();
        config.salt = salt;
        assertEq(balanceOf(open(config, amount)), amount, "channel");
    }
}
