// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IdentityRegistry} from "./IdentityRegistry.sol";

/// @title Stand-in for ERC-8004's registry of feedback on local chains
/// @notice Anyone but an agent's own people may say of it what it likes: what that is worth, a reader decides. Entries of one client count from one.
contract ReputationRegistry {
    struct Feedback {
        int128 value;
        uint8 valueDecimals;
        bool isRevoked;
        string tag1;
        string tag2;
    }

    event NewFeedback(
        uint256 indexed agentId,
        address indexed clientAddress,
        uint64 feedbackIndex,
        int128 value,
        uint8 valueDecimals,
        string indexed indexedTag1,
        string tag1,
        string tag2,
        string endpoint,
        string feedbackURI,
        bytes32 feedbackHash
    );
    event FeedbackRevoked(
        uint256 indexed agentId, address indexed clientAddress, uint64 indexed feedbackIndex
    );

    IdentityRegistry public constant IDENTITY =
        IdentityRegistry(0x8004A169FB4a3325136EB29fA0ceB6D2e539a432);

    mapping(uint256 agentId => mapping(address client => Feedback[])) private _feedback;

    function getIdentityRegistry() external pure returns (address) {
        return address(IDENTITY);
    }

    /// @notice Says `value`, with so many decimals, of an agent.
    function giveFeedback(
        uint256 agentId,
        int128 value,
        uint8 valueDecimals,
        string memory tag1,
        string memory tag2,
        string memory endpoint,
        string memory feedbackURI,
        bytes32 feedbackHash
    ) external {
        require(valueDecimals <= 18, "too many decimals");
        require(!IDENTITY.isAuthorizedOrOwner(msg.sender, agentId), "Self-feedback not allowed");
        emit NewFeedback(
            agentId,
            msg.sender,
            _keep(agentId, Feedback(value, valueDecimals, false, tag1, tag2)),
            value,
            valueDecimals,
            tag1,
            tag1,
            tag2,
            endpoint,
            feedbackURI,
            feedbackHash
        );
    }

    /// @notice Takes back what the caller said.
    function revokeFeedback(uint256 agentId, uint64 feedbackIndex) external {
        Feedback storage feedback = _at(agentId, msg.sender, feedbackIndex);
        require(!feedback.isRevoked, "Already revoked");
        feedback.isRevoked = true;
        emit FeedbackRevoked(agentId, msg.sender, feedbackIndex);
    }

    function getLastIndex(uint256 agentId, address clientAddress) external view returns (uint64) {
        return uint64(_feedback[agentId][clientAddress].length);
    }

    function readFeedback(uint256 agentId, address clientAddress, uint64 feedbackIndex)
        external
        view
        returns (
            int128 value,
            uint8 valueDecimals,
            string memory tag1,
            string memory tag2,
            bool isRevoked
        )
    {
        Feedback storage feedback = _at(agentId, clientAddress, feedbackIndex);
        return
            (
                feedback.value,
                feedback.valueDecimals,
                feedback.tag1,
                feedback.tag2,
                feedback.isRevoked
            );
    }

    function _keep(uint256 agentId, Feedback memory feedback) private returns (uint64) {
        Feedback[] storage given = _feedback[agentId][msg.sender];
        given.push(feedback);
        return uint64(given.length);
    }

    function _at(uint256 agentId, address client, uint64 index)
        private
        view
        returns (Feedback storage)
    {
        Feedback[] storage given = _feedback[agentId][client];
        require(index > 0, "index must be > 0");
        require(index <= given.length, "index out of bounds");
        return given[index - 1];
    }
}
