// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What an account is set up with: one word.
/// @param life Raised when a module is removed, so that what was granted before never comes back.
struct Config {
    address guardian;
    uint40 delay;
    uint32 life;
    bool ready;
}

/// @notice The numbers of a policy: two words, and a payment only reads them.
struct Limits {
    uint88 perPayment;
    uint88 perPeriod;
    uint40 start;
    uint40 end;
    uint88 perCounterparty;
    uint88 approveAbove;
    uint32 period;
    bool anyCounterparty;
    bool anyService;
}

/// @notice What a payment writes: one word.
struct Purse {
    uint128 budget;
    uint88 level;
    uint40 since;
}

/// @notice A counterparty's bucket and whether it is on the list: one word.
struct Peer {
    uint88 level;
    uint40 since;
    bool allowed;
}

/// @notice The float: two words, zero where there is none.
/// @param total All that was ever put there.
struct FloatPurse {
    address wallet;
    uint88 perPeriod;
    uint88 level;
    uint40 since;
    uint128 total;
}

/// @notice An agent in one currency.
/// @param committed All that was put into channels and leases which are not known to have ended.
struct Line {
    Limits limits;
    Purse purse;
    FloatPurse float;
    uint128 committed;
    mapping(uint256 counterparty => Peer) peers;
    mapping(bytes32 service => bool) services;
}

/// @param since When it was last let loose; zero while it is paused.
struct Agent {
    uint40 since;
    mapping(uint256 word => uint256 bits) refs;
    mapping(address currency => Line) lines;
}

/// @notice What an agent put into a channel in the channel's epoch `epoch`.
struct Funding {
    uint128 amount;
    uint64 epoch;
}

/// @notice What an agent put into a lease.
struct Hire {
    address agent;
    uint96 amount;
}

struct Life {
    mapping(bytes32 change => uint40 readyAt) announced;
    mapping(bytes32 approval => bool given) approved;
    mapping(address agent => Agent) agents;
    mapping(bytes32 channel => Funding) fundings;
    mapping(bytes32 lease => Hire) hires;
}

struct Book {
    Config config;
    address owner;
    address offeredOwner;
    mapping(uint32 life => Life) lives;
}

struct Root {
    mapping(address account => Book) books;
}

/// @title Where the books of accounts stand
/// @dev A namespace of its own (ERC-7201, `millrace.agents`): the code of an EIP-7702 account shares its storage with whatever code
/// the account had before and will have later.
library Books {
    /// @dev keccak256(abi.encode(uint256(keccak256("millrace.agents")) - 1)) & ~bytes32(uint256(0xff))
    bytes32 internal constant SLOT =
        0xc2b8de0cba6f58e4d99cd2c909af17d4de48b42781f7eb6bff00001a5e7f6e00;

    function load(address account) internal view returns (Book storage) {
        Root storage root;
        bytes32 slot = SLOT;
        assembly ("memory-safe") {
            root.slot := slot
        }
        return root.books[account];
    }
}
