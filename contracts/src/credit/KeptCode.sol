// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Creation code kept as the code of other contracts
/// @notice A maker that carries what it makes in its own code would bind both by one limit (EIP-170). This keeps it beside itself, in two
/// halves behind a STOP, so that nobody can call them.
library KeptCode {
    error NotKept();

    /// @notice Puts `code` away.
    function keep(bytes memory code) internal returns (address first, address second) {
        uint256 half = code.length / 2;
        first = _put(code, 0, half);
        second = _put(code, half, code.length);
    }

    /// @notice Creates a contract from both halves and ABI-encoded arguments.
    function create(address first, address second, bytes memory arguments)
        internal
        returns (address made)
    {
        uint256 one = first.code.length - 1;
        uint256 two = second.code.length - 1;
        bytes memory code = new bytes(one + two);
        assembly ("memory-safe") {
            extcodecopy(first, add(code, 0x20), 1, one)
            extcodecopy(second, add(add(code, 0x20), one), 1, two)
        }
        code = bytes.concat(code, arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
            // What the constructor says is the reason.
            if iszero(made) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }

    function _put(bytes memory code, uint256 from, uint256 to) private returns (address at) {
        bytes memory part = new bytes(to - from);
        assembly ("memory-safe") {
            mcopy(add(part, 0x20), add(add(code, 0x20), from), sub(to, from))
        }
        // PUSH2 size, DUP1, PUSH1 12, PUSH1 0, CODECOPY, PUSH1 0, RETURN; then the STOP and the part.
        bytes memory init =
            abi.encodePacked(hex"61", uint16(part.length + 1), hex"80600c6000396000f300", part);
        assembly ("memory-safe") {
            at := create(0, add(init, 0x20), mload(init))
        }
        require(at != address(0), NotKept());
    }
}
