// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title Stand-in for ERC-8004's registry of identities on local chains
/// @notice An agent is a token: who owns it speaks for it. Ids begin at zero. Its wallet is its owner's at first, and none after a
/// transfer, so that nobody pays an owner who is gone.
contract IdentityRegistry is ERC721 {
    event Registered(uint256 indexed agentId, string agentURI, address indexed owner);
    event MetadataSet(
        uint256 indexed agentId,
        string indexed indexedMetadataKey,
        string metadataKey,
        bytes metadataValue
    );
    event URIUpdated(uint256 indexed agentId, string newURI, address indexed updatedBy);

    uint256 private _next;
    mapping(uint256 agentId => string) private _uris;
    mapping(uint256 agentId => address) private _wallets;

    constructor() ERC721("AgentIdentity", "AGENT") {}

    /// @notice Registers an agent of the caller, whose card stands at `agentURI`.
    function register(string calldata agentURI) external returns (uint256 agentId) {
        agentId = _next++;
        (_wallets[agentId], _uris[agentId]) = (msg.sender, agentURI);
        emit Registered(agentId, agentURI, msg.sender);
        _safeMint(msg.sender, agentId);
    }

    /// @notice Moves its card. Who may move the token may.
    function setAgentURI(uint256 agentId, string calldata newURI) external {
        require(isAuthorizedOrOwner(msg.sender, agentId), "Not authorized");
        _uris[agentId] = newURI;
        emit URIUpdated(agentId, newURI, msg.sender);
    }

    /// @notice Takes its wallet away. Who may move the token may.
    function unsetAgentWallet(uint256 agentId) external {
        require(isAuthorizedOrOwner(msg.sender, agentId), "Not authorized");
        _dropWallet(agentId);
    }

    /// @notice Where it is paid; zero for nowhere.
    function getAgentWallet(uint256 agentId) external view returns (address) {
        _requireOwned(agentId);
        return _wallets[agentId];
    }

    function tokenURI(uint256 agentId) public view override returns (string memory) {
        _requireOwned(agentId);
        return _uris[agentId];
    }

    /// @notice Whether `spender` owns the agent or may move it.
    function isAuthorizedOrOwner(address spender, uint256 agentId) public view returns (bool) {
        return _isAuthorized(_requireOwned(agentId), spender, agentId);
    }

    function _update(address to, uint256 agentId, address auth)
        internal
        override
        returns (address from)
    {
        from = super._update(to, agentId, auth);
        if (from != address(0)) _dropWallet(agentId);
    }

    function _dropWallet(uint256 agentId) private {
        delete _wallets[agentId];
        emit MetadataSet(agentId, "agentWallet", "agentWallet", "");
    }
}
