// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "../support/Test.sol";

/// @notice Counts which branches of a handler a run took. script/invariants.mjs reads from the handler's source which
/// there are, and fails where one of them was never taken.
abstract contract Counted {
    bytes32[] private _branches;
    mapping(bytes32 branch => uint256) private _counts;

    function hit(bytes32 branch) internal {
        if (++_counts[branch] == 1) _branches.push(branch);
    }

    function counts() external view returns (bytes32[] memory branches, uint256[] memory hits) {
        branches = _branches;
        hits = new uint256[](branches.length);
        for (uint256 i = 0; i < hits.length; ++i) {
            hits[i] = _counts[branches[i]];
        }
    }
}

/// @notice Appends a run's counts to the file that INVARIANT_REPORT names, as lines `branch<tab>count`: a campaign
/// forgets everything between its runs, so the counts are added up by whoever asked for them.
abstract contract Reporting is Test {
    function reportOf(Counted handler) internal {
        string memory file = vm.envOr("INVARIANT_REPORT", string(""));
        if (bytes(file).length == 0) return;
        (bytes32[] memory branches, uint256[] memory hits) = handler.counts();
        string memory lines = "";
        for (uint256 i = 0; i < hits.length; ++i) {
            lines = string.concat(lines, i == 0 ? "" : "\n", _text(branches[i]), "\t", vm.toString(hits[i]));
        }
        vm.writeLine(file, lines);
    }

    function _text(bytes32 word) private pure returns (string memory) {
        uint256 length = 0;
        while (length < 32 && word[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = word[i];
        }
        return string(text);
    }
}
