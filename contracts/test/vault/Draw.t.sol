// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevelopmentCurrency} from "../../src/DevelopmentCurrency.sol";
import {IBatchSettlement} from "../../src/interfaces/IBatchSettlement.sol";
import {ICustomerVault} from "../../src/interfaces/ICustomerVault.sol";
import {IRelayed} from "../../src/interfaces/IRelayed.sol";
import {Fixture} from "../support/Fixture.sol";

contract DrawTest is Fixture {
    ICustomerVault private _vault;
    IBatchSettlement.ChannelConfig private _config;
    bytes32 private _id;

    function setUp() public override {
        super.setUp();
        _vault = newVault(2000e6);
        _config = vaultChannel(_vault);
        _id = escrow.getChannelId(_config);
    }

    function test_funds_a_channel_sent_by_anyone() public {
        bytes memory data = drawData(_vault, _config, HOT_KEY, 100e6, "n");
        vm.expectEmit();
        emit ICustomerVault.Drawn(_id, hotKey, RECEIVER, 100e6, "n");
        vm.prank(STRANGER);
        escrow.deposit(_config, 100e6, address(_vault), data);
        assertEq(balanceOf(_id), 100e6, "channel");
        assertEq(currency.balanceOf(address(_vault)), 1900e6, "vault");
        assertTrue(_vault.isNonceUsed(hotKey, "n"), "nonce");
    }

    function test_the_receiver_claims_and_the_rest_returns() public {
        draw(_vault, _config, HOT_KEY, 100e6, "n");
        claim(_config, HOT_KEY, 30e6);
        escrow.settle(RECEIVER, address(currency));
        vm.prank(RECEIVER);
        escrow.refund(_config, 70e6);
        assertEq(currency.balanceOf(RECEIVER), 30e6, "receiver");
        assertEq(currency.balanceOf(address(_vault)), 1970e6, "vault");
    }

    function test_pays_an_active_provider_of_a_listed_registry() public {
        register(provider, NODE_KEY, OTHER_RECEIVER);
        _config.receiver = OTHER_RECEIVER;
        draw(_vault, _config, HOT_KEY, 100e6, "n");
        assertEq(balanceOf(escrow.getChannelId(_config)), 100e6, "channel");
    }

    function test_stops_paying_a_provider_that_left() public {
        register(provider, NODE_KEY, OTHER_RECEIVER);
        _config.receiver = OTHER_RECEIVER;
        vm.prank(provider);
        registry.leave();
        draw(_vault, _config, HOT_KEY, 1e6, "n");
        vm.warp(START + 7 days);
        _rejects(_config, 1e6, "m", abi.encodeWithSelector(ICustomerVault.ReceiverNotAllowed.selector, OTHER_RECEIVER));
    }

    function test_rejects_an_unknown_receiver() public {
        _config.receiver = STRANGER;
        _rejects(_config, 1e6, "n", abi.encodeWithSelector(ICustomerVault.ReceiverNotAllowed.selector, STRANGER));
    }

    function test_rejects_a_caller_other_than_its_escrow() public {
        bytes memory data = drawData(_vault, _config, HOT_KEY, 1e6, "n");
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotEscrow.selector, STRANGER));
        vm.prank(STRANGER);
        _vault.collect(address(_vault), address(currency), 1e6, _id, data);

        IBatchSettlement other = IBatchSettlement(vm.deployCode("BatchSettlement.sol"));
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotEscrow.selector, address(other)));
        other.deposit(_config, 1e6, address(_vault), data);
    }

    function test_pays_for_no_other_payer() public {
        _config.payer = STRANGER;
        _rejects(_config, 1e6, "n", abi.encodeWithSelector(ICustomerVault.NotThisVault.selector, STRANGER));
    }

    function test_pays_in_its_currency_only() public {
        DevelopmentCurrency other = new DevelopmentCurrency();
        other.mint(address(_vault), 1e6);
        _config.token = address(other);
        _rejects(_config, 1e6, "n", abi.encodeWithSelector(ICustomerVault.WrongCurrency.selector, address(other)));
    }

    function test_rejects_data_for_another_channel() public {
        IBatchSettlement.ChannelConfig memory other = _config;
        other.salt = bytes32(uint256(5));
        bytes memory data = drawData(_vault, _config, HOT_KEY, 1e6, "n");
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.WrongChannel.selector, _id));
        escrow.deposit(other, 1e6, address(_vault), data);
    }

    function test_rejects_a_channel_whose_vouchers_no_hot_key_signs() public {
        _config.payerAuthorizer = address(0);
        _rejects(_config, 1e6, "n", abi.encodeWithSelector(ICustomerVault.NotHotKey.selector, address(0)));
        _config.payerAuthorizer = STRANGER;
        _rejects(_config, 1e6, "n", abi.encodeWithSelector(ICustomerVault.NotHotKey.selector, STRANGER));
    }

    function test_rejects_another_signer_than_the_channels_key() public {
        vm.prank(owner);
        _vault.addHotKey(otherHotKey, 500e6);
        bytes memory data = drawData(_vault, _config, OTHER_HOT_KEY, 1e6, "n");
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, hotKey));
        escrow.deposit(_config, 1e6, address(_vault), data);
    }

    function test_rejects_another_amount_than_was_signed() public {
        bytes memory data = drawData(_vault, _config, HOT_KEY, 1e6, "n");
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, hotKey));
        escrow.deposit(_config, 2e6, address(_vault), data);
    }

    function test_rejects_an_authorisation_of_another_vault() public {
        ICustomerVault other = ICustomerVault(factory.create(vaultSettings(), "other"));
        bytes32 digest = other.drawDigest(_id, 1e6, "n", FAR);
        bytes memory data = abi.encode(ICustomerVault.DrawAuthorisation(_config, "n", FAR, sign(HOT_KEY, digest)));
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationSignatureInvalid.selector, hotKey));
        escrow.deposit(_config, 1e6, address(_vault), data);
    }

    function test_an_authorisation_works_once() public {
        draw(_vault, _config, HOT_KEY, 1e6, "n");
        _rejects(
            _config, 1e6, "n", abi.encodeWithSelector(IRelayed.AuthorisationNonceUsed.selector, hotKey, bytes32("n"))
        );
    }

    function test_an_authorisation_expires() public {
        uint64 deadline = uint64(START + 10);
        bytes32 digest = _vault.drawDigest(_id, 1e6, "n", deadline);
        bytes memory data = abi.encode(ICustomerVault.DrawAuthorisation(_config, "n", deadline, sign(HOT_KEY, digest)));
        vm.warp(deadline + 1);
        vm.expectRevert(abi.encodeWithSelector(IRelayed.AuthorisationExpired.selector, deadline));
        escrow.deposit(_config, 1e6, address(_vault), data);
        vm.warp(deadline);
        escrow.deposit(_config, 1e6, address(_vault), data);
    }

    function test_a_removed_keys_signed_draw_is_void() public {
        bytes memory data = drawData(_vault, _config, HOT_KEY, 1e6, "n");
        vm.prank(owner);
        _vault.removeHotKey(hotKey);
        vm.expectRevert(abi.encodeWithSelector(ICustomerVault.NotHotKey.selector, hotKey));
        escrow.deposit(_config, 1e6, address(_vault), data);
    }

    function test_rejects_a_delay_outside_the_owners_limits() public {
        _config.withdrawDelay = 1 days + 1;
        _rejects(_config, 1, "n", abi.encodeWithSelector(ICustomerVault.WithdrawDelayNotAllowed.selector, 1 days + 1));
        ICustomerVault.Limits memory limits = vaultSettings().limits;
        limits.minWithdrawDelay = 2 hours;
        vm.prank(owner);
        _vault.setLimits(limits);
        _config.withdrawDelay = 1 hours;
        _rejects(_config, 1, "n", abi.encodeWithSelector(ICustomerVault.WithdrawDelayNotAllowed.selector, 1 hours));
    }

    function test_no_other_collector_can_spend_for_the_vault() public {
        bytes memory data = erc3009Deposit(HOT_KEY, _id, 1e6, 1);
        vm.expectRevert(bytes4(keccak256("ERC3009InvalidSignature()")));
        escrow.deposit(_config, 1e6, address(collector), data);
    }

    function test_the_encoding_is_the_calldata_of_encodeDraw() public view {
        bytes memory data = drawData(_vault, _config, HOT_KEY, 1e6, "n");
        ICustomerVault.DrawAuthorisation memory authorisation = abi.decode(data, (ICustomerVault.DrawAuthorisation));
        bytes memory call = abi.encodeCall(ICustomerVault.encodeDraw, (authorisation));
        assertEq(abi.encodePacked(ICustomerVault.encodeDraw.selector, data), call, "calldata");
        assertEq(_vault.encodeDraw(authorisation), data, "returned");
    }

    function _rejects(
        IBatchSettlement.ChannelConfig memory config,
        uint128 amount,
        bytes32 nonce,
        bytes memory expected
    ) private {
        bytes memory data = drawData(_vault, config, HOT_KEY, amount, nonce);
        vm.expectRevert(expected);
        escrow.deposit(config, amount, address(_vault), data);
    }
}
