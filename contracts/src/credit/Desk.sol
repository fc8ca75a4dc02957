// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {Signatures} from "../Signatures.sol";
import {IAssets} from "../assets/IAssets.sol";
import {ITill} from "../till/ITill.sol";
import {Concentration} from "./Concentration.sol";
import {Curated} from "./Curated.sol";
import {IAppraisals} from "./IAppraisals.sol";
import {Collateral, DeskRules, IDesk, Terms} from "./IDesk.sol";
import {Draw, IFacility, LoanState, LoanStatus, Opening} from "./IFacility.sol";
import {IRanks} from "./IRanks.sol";
import {IUnits} from "./IUnits.sol";

/// @title A desk
/// @dev Bounds: 8 assets a loan; amounts as in the facility. Roundings: values and capacity down, cover up. Holds no money. Trust: its facility,
/// which made it, till, register and appraisals; the curator's list; underwriters as far as their stake and the rules reach.
/// Outside calls: these contracts, none of which calls back here; and the underwriter, where it is a contract, in a view.
contract Desk is Curated, Concentration, EIP712 {
    /// @dev What another loan owed, and who is paid with a new one.
    struct Debt {
        uint88 owed;
        address to;
        bool isRanked;
    }

    bytes32 private constant COLLATERAL_TYPEHASH =
        keccak256("Collateral(uint256 asset,bytes32 above)");
    bytes32 private constant TERMS_TYPEHASH = keccak256(
        "Terms(Collateral[] collateral,bytes32[3] clusters,address borrower,address underwriter,address vendor,uint88 limit,uint88 firstDraws,uint88 ahead,uint24 rate,uint16 premiumBps,uint32 rampEnd,uint32 maturity,uint16 revenueBps,uint16 dscrBps,uint16 ltvBps,uint32 multipleBps,uint16 coverBps,bytes32 obligor,uint32 expiry,uint256 nonce)Collateral(uint256 asset,bytes32 above)"
    );
    bytes32 private constant RELEASE_TYPEHASH =
        keccak256("Release(bytes32 loan,uint88 total,uint40 deadline)");
    /// @dev Bytes of calldata from the borrower to the nonce.
    uint256 private constant TAIL = 18 * 32;
    /// @dev Bytes of calldata from the start of terms to their collateral: one word for where that is, three clusters, the tail.
    uint256 private constant HEAD = 22 * 32;
    uint256 private constant BPS = 10_000;
    uint256 public constant MOST_ASSETS = 8;
    /// @dev `ITill.lienOf` where nothing is paid before debt: no costs, no cap, no upstream.
    bytes32 private constant NOTHING_ABOVE = keccak256(abi.encode(0, 0, 0, ""));

    ITill private immutable _till;
    IAssets private immutable _assets;
    IAppraisals private immutable _appraisals;
    IUnits private immutable _units;
    IRanks private immutable _ranks;
    IFacility private immutable _facility;
    address private immutable _currency;
    uint32 private immutable _panel;
    uint16 private immutable _maxLtvBps;
    uint32 private immutable _maxMultipleBps;
    uint16 private immutable _minCoverBps;
    uint32 private immutable _maxRamp;
    uint32 private immutable _maxTerm;
    uint32 private immutable _evidencePanel;
    DeskRules private _rules;

    constructor(
        ITill till_,
        IAppraisals appraisals_,
        IRanks ranks_,
        IFacility facility_,
        uint32 panel,
        address currency,
        address curator_,
        address[] memory underwriters,
        DeskRules memory rules_
    )
        EIP712("Millrace Desk", "1")
        Curated(curator_, underwriters)
        Concentration(
            rules_.maxObligorBps, rules_.maxClusterBps, rules_.minObligorBets, rules_.minClusterBets
        )
    {
        require(rules_.maxLtvBps <= BPS && rules_.maxTerm > 0, RulesInvalid());
        _till = till_;
        _assets = IAssets(till_.assets());
        _appraisals = appraisals_;
        _units = IUnits(appraisals_.units());
        _ranks = ranks_;
        _facility = facility_;
        _currency = currency;
        _panel = panel;
        _maxLtvBps = rules_.maxLtvBps;
        _maxMultipleBps = rules_.maxMultipleBps;
        _minCoverBps = rules_.minCoverBps;
        _maxRamp = rules_.maxRamp;
        _maxTerm = rules_.maxTerm;
        _evidencePanel = rules_.evidencePanel;
        _rules = rules_;
    }

    // ------------------------------------------------------------------ borrow, draw

    /// @inheritdoc IDesk
    function borrow(Terms calldata terms, bytes calldata signature, uint88 amount)
        external
        returns (bytes32 id)
    {
        bool isRanked;
        (id, isRanked) = _requireAgreed(terms, signature);
        _emitOpened(id, terms);
        Draw memory first;
        address behind;
        if (amount > 0) (first, behind) = _agree(id, terms, amount, 0, 0, terms.firstDraws);
        _open(id, terms, first, isRanked, behind);
    }

    /// @inheritdoc IDesk
    function refinance(Terms calldata old, Terms calldata terms, bytes calldata signature)
        external
        returns (bytes32 id)
    {
        bytes32 before = hashTerms(old);
        require(msg.sender == old.borrower, NotBorrower(before, msg.sender));
        bool isRanked;
        (id, isRanked) = _requireAgreed(terms, signature);
        uint88 owed = _facility.payOff(before);
        (, uint88 drawn) = _facility.free(before, 0, old.underwriter);
        if (drawn > 0) _unexpose(old.obligor, old.clusters, drawn, _behindOf(old));
        _openFor(id, terms, Debt(owed, address(_facility), isRanked));
    }

    /// @inheritdoc IDesk
    function takeOver(address old, bytes32 oldLoan, Terms calldata terms, bytes calldata signature)
        external
        returns (bytes32 id)
    {
        id = _requireSigned(terms, signature);
        require(_till.isDebtListed(old), AssetNotPledged(terms.collateral[0].asset));
        LoanStatus memory before = IFacility(old).statusOf(oldLoan);
        uint88 owed = before.principal + before.interest;
        // Open before it is pledged, and pledged or undone below: the place is not free before the money is there.
        _openFor(id, terms, Debt(owed, address(this), true));
        _till.approve(old, uint160(_currency), owed);
        uint88 paid = IFacility(old).repay(oldLoan, owed);
        require(
            paid == owed && IFacility(old).stateOf(oldLoan) == LoanState.Closed,
            LoanOwes(oldLoan, owed - paid)
        );
        for (uint256 i = 0; i < terms.collateral.length; ++i) {
            _ranks.drop(terms.collateral[i].asset, old);
        }
        _requirePledged(id, terms);
    }

    /// @inheritdoc IDesk
    function draw(
        Terms calldata terms,
        uint88 amount,
        uint88 total,
        uint40 deadline,
        bytes calldata release
    ) external {
        bytes32 id = hashTerms(terms);
        require(msg.sender == terms.borrower, NotBorrower(id, msg.sender));
        require(amount > 0, ZeroAmount());
        (uint88 drawn, uint88 principal) = _facility.drawnOf(id);
        uint256 released = terms.firstDraws;
        if (uint256(drawn) + amount > released && release.length > 0) {
            require(block.timestamp <= deadline, ReleaseExpired(id, deadline));
            _requireListed(terms.underwriter);
            require(
                Signatures.isValid(terms.underwriter, hashRelease(id, total, deadline), release),
                ReleaseSignatureInvalid(id, terms.underwriter)
            );
            released = total;
        }
        _requireKept(id, terms.collateral);
        (Draw memory more, address behind) = _agree(id, terms, amount, drawn, principal, released);
        uint256 value = _facility.lend(id, more);
        _expose(terms.obligor, terms.clusters, amount, value, behind);
    }

    /// @inheritdoc IDesk
    function cancel(Terms calldata terms) external {
        bytes32 id = hashTerms(terms);
        require(msg.sender == terms.borrower, NotBorrower(id, msg.sender));
        uint88 owed = _facility.payOff(id);
        // What was booked as paid without money is undone.
        require(owed == 0, LoanOwes(id, owed));
    }

    // ------------------------------------------------------------------ poke, harvest

    /// @inheritdoc IDesk
    function poke(Terms calldata terms) external returns (LoanState state) {
        bytes32 id = hashTerms(terms);
        uint256 count = terms.collateral.length;
        // What the machines earned may still be in their buckets.
        for (uint256 i = 0; i < count; ++i) {
            _till.settle(terms.collateral[i].asset);
        }
        bool isSecured = terms.ltvBps > 0;
        uint256 worth;
        if (isSecured && _facility.stateOf(id) == LoanState.Late) {
            // A stale appraisal counts here too: it has lost what its curve takes.
            for (uint256 i = 0; i < count; ++i) {
                (uint88 value,) = _appraisals.valueOf(_panel, terms.collateral[i].asset);
                worth += value;
            }
            worth = worth > terms.ahead ? worth - terms.ahead : 0;
        }
        state = _facility.step(id, worth, isSecured, msg.sender);
        if (state != LoanState.Defaulted) return state;
        for (uint256 i = 0; i < count; ++i) {
            _facility.offer(terms.collateral[i].asset);
        }
    }

    /// @inheritdoc IDesk
    function harvest(Terms calldata terms) external returns (uint88 freed) {
        bytes32 id = hashTerms(terms);
        uint256 needed;
        if (_facility.stateOf(id) == LoanState.Live) {
            _requireKept(id, terms.collateral);
            (, uint88 principal) = _facility.drawnOf(id);
            (, uint256 worth) = capacityOf(terms);
            needed = _coverUp(terms, principal, worth);
        }
        uint88 drawn;
        (freed, drawn) = _facility.free(id, needed, terms.underwriter);
        require(freed > 0 || drawn > 0, NothingToDo(id));
        if (drawn > 0) _unexpose(terms.obligor, terms.clusters, drawn, _behindOf(terms));
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IDesk
    function facility() external view returns (address) {
        return address(_facility);
    }

    /// @inheritdoc IDesk
    function rules() external view returns (DeskRules memory) {
        return _rules;
    }

    /// @inheritdoc IDesk
    function capacityOf(Terms calldata terms)
        public
        view
        returns (uint256 capacity, uint256 worth)
    {
        (capacity, worth,) = _capacityOf(terms);
    }

    /// @inheritdoc IDesk
    function betsOf(uint256 kind) external view returns (uint256 bets, uint256 squares) {
        (uint256 total,) = _facility.conservative();
        return _bets(kind, total);
    }

    /// @inheritdoc IDesk
    function hashTerms(Terms calldata terms) public view returns (bytes32) {
        Collateral[] calldata list = terms.collateral;
        bytes32[] memory hashes = new bytes32[](list.length);
        for (uint256 i = 0; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(COLLATERAL_TYPEHASH, list[i].asset, list[i].above));
        }
        bytes32 collateral = keccak256(abi.encodePacked(hashes));
        bytes32 typeHash = TERMS_TYPEHASH;
        bytes32 digest;
        // Everything from the borrower on stands in calldata as EIP-712 wants it: one word a field. A field with dirty bits makes
        // another id, and is refused wherever it is read.
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, add(terms, 0x20), 0x60)
            let clusters := keccak256(free, 0x60)
            mstore(free, typeHash)
            mstore(add(free, 0x20), collateral)
            mstore(add(free, 0x40), clusters)
            calldatacopy(add(free, 0x60), add(terms, 0x80), TAIL)
            digest := keccak256(free, add(0x60, TAIL))
        }
        return _hashTypedDataV4(digest);
    }

    /// @inheritdoc IDesk
    function hashRelease(bytes32 loan, uint88 total, uint40 deadline)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(keccak256(abi.encode(RELEASE_TYPEHASH, loan, total, deadline)));
    }

    // ------------------------------------------------------------------ internals

    /// @dev The id of terms that the caller, a listed underwriter and the rules agree to, on assets that are pledged.
    function _requireAgreed(Terms calldata terms, bytes calldata signature)
        private
        view
        returns (bytes32 id, bool isRanked)
    {
        id = _requireSigned(terms, signature);
        isRanked = _requirePledged(id, terms);
    }

    function _requireSigned(Terms calldata terms, bytes calldata signature)
        private
        view
        returns (bytes32 id)
    {
        id = hashTerms(terms);
        require(msg.sender == terms.borrower, NotBorrower(id, msg.sender));
        require(block.timestamp <= terms.expiry, TermsExpired(id, terms.expiry));
        _requireWithinRules(id, terms);
        _requireListed(terms.underwriter);
        require(
            Signatures.isValid(terms.underwriter, id, signature),
            TermsSignatureInvalid(id, terms.underwriter)
        );
    }

    /// @dev Opens a loan of which what another one owed is drawn.
    function _openFor(bytes32 id, Terms calldata terms, Debt memory debt) private {
        _emitOpened(id, terms);
        (Draw memory first, address behind) = _agree(id, terms, debt.owed, 0, 0, terms.firstDraws);
        first.to = debt.to;
        _open(id, terms, first, debt.isRanked, behind);
    }

    function _open(
        bytes32 id,
        Terms calldata terms,
        Draw memory first,
        bool isRanked,
        address behind
    ) private {
        Opening memory opening = Opening(
            terms.rate,
            terms.premiumBps,
            terms.dscrBps,
            terms.revenueBps,
            terms.rampEnd,
            terms.maturity,
            isRanked
        );
        uint256 value = _facility.open(id, opening, _assetsOf(terms.collateral), first);
        if (first.amount == 0) return;
        _expose(terms.obligor, terms.clusters, first.amount, value, behind);
    }

    /// @dev Logs the terms as they came: decoded and encoded again they would cost thousands more. They have to come as every encoder
    /// writes them, so that what is logged is whole.
    function _emitOpened(bytes32 id, Terms calldata terms) private {
        address underwriter = terms.underwriter;
        Collateral[] calldata list = terms.collateral;
        bytes32 topic = IDesk.LoanOpened.selector;
        bool isCanonical;
        assembly ("memory-safe") {
            isCanonical := eq(calldataload(terms), HEAD)
        }
        require(isCanonical, TermsInvalid(id));
        assembly ("memory-safe") {
            let free := mload(0x40)
            let length := sub(add(list.offset, shl(6, list.length)), terms)
            mstore(free, 0x20)
            calldatacopy(add(free, 0x20), terms, length)
            log4(free, add(length, 0x20), topic, id, caller(), underwriter)
        }
    }

    function _requireWithinRules(bytes32 id, Terms calldata terms) private view {
        Collateral[] calldata list = terms.collateral;
        uint256 count = list.length;
        require(
            count > 0 && count <= MOST_ASSETS && terms.rampEnd <= terms.maturity
                && terms.maturity > block.timestamp && terms.premiumBps <= BPS
                && terms.revenueBps <= BPS && terms.obligor != 0 && terms.firstDraws <= terms.limit,
            TermsInvalid(id)
        );
        for (uint256 i = 1; i < count; ++i) {
            require(list[i].asset > list[i - 1].asset, TermsInvalid(id));
        }
        require(
            terms.ltvBps <= _maxLtvBps && terms.multipleBps <= _maxMultipleBps
                && terms.coverBps >= _minCoverBps && terms.rampEnd <= block.timestamp + _maxRamp
                && terms.maturity <= block.timestamp + _maxTerm,
            TermsBeyondRules(id)
        );
    }

    /// @dev What the till saw of late; no more than what somebody vouches for, where the rules ask for that.
    function _revenueOf(uint256 asset) private view returns (uint256 revenue) {
        revenue = _till.trailingRevenueOf(asset);
        if (_evidencePanel == type(uint32).max) return revenue;
        (uint88 vouched, bool fresh) = _appraisals.valueOf(_evidencePanel, asset);
        require(fresh, EvidenceExpired(asset));
        if (vouched < revenue) revenue = vouched;
    }

    /// @dev One lien an asset: the debt slot of its till, which its owner filled with the facility, or with the ranks and the facility in
    /// them. What stands before it there cannot grow while the loan is outstanding.
    function _requirePledged(bytes32 id, Terms calldata terms)
        private
        view
        returns (bool isRanked)
    {
        Collateral[] calldata list = terms.collateral;
        uint256 count = list.length;
        uint256 ahead;
        uint256 cap;
        uint256 ranked;
        for (uint256 i = 0; i < count; ++i) {
            Collateral calldata one = list[i];
            (address debt, address currency, bytes32 above) = _till.lienOf(one.asset);
            if (debt != address(_facility)) {
                require(debt == address(_ranks), AssetNotPledged(one.asset));
                (bool stands, uint256 most, uint256 before) =
                    _ranks.standingOf(one.asset, address(_facility));
                require(stands, AssetNotPledged(one.asset));
                (ahead, cap, ranked) = (ahead + before, cap + most, ranked + 1);
            }
            require(
                currency == _currency && _assets.ownerOf(one.asset) == terms.borrower,
                AssetNotPledged(one.asset)
            );
            require(above == one.above, AboveChanged(one.asset, above));
        }
        require(ahead == terms.ahead, AheadChanged(id, ahead));
        // An asset without ranks bounds nothing.
        require(ranked < count || terms.limit <= cap, BeyondCap(id, cap));
        return ranked > 0;
    }

    /// @dev The assets of terms, which stand there in ascending order.
    function _assetsOf(Collateral[] calldata collateral)
        private
        pure
        returns (uint256[] memory assets)
    {
        assets = new uint256[](collateral.length);
        for (uint256 i = 0; i < assets.length; ++i) {
            assets[i] = collateral[i].asset;
        }
    }

    /// @dev A facility that is paid first may have sold an asset of a loan that is sound.
    function _requireKept(bytes32 id, Collateral[] calldata collateral) private view {
        for (uint256 i = 0; i < collateral.length; ++i) {
            require(_facility.loanOf(collateral[i].asset) == id, AssetGone(collateral[i].asset));
        }
    }

    /// @dev Whether limit, release, value and revenue carry `amount` more, and the stake that needs.
    function _agree(
        bytes32 id,
        Terms calldata terms,
        uint88 amount,
        uint256 drawn,
        uint256 principal,
        uint256 released
    ) private view returns (Draw memory one, address behind) {
        drawn += amount;
        principal += amount;
        if (released > terms.limit) released = terms.limit;
        require(drawn <= released, BeyondReleased(id, drawn, released));
        uint256 capacity;
        uint256 worth;
        (capacity, worth, behind) = _capacityOf(terms);
        require(principal <= capacity, BeyondCapacity(id, principal, capacity));
        one.amount = amount;
        one.to = terms.vendor == address(0) ? terms.borrower : terms.vendor;
        one.underwriter = terms.underwriter;
        one.needed = _coverUp(terms, principal, worth);
    }

    /// @dev As `capacityOf`, and the facility whose units secure the loan; zero for none.
    function _capacityOf(Terms calldata terms)
        private
        view
        returns (uint256 capacity, uint256 worth, address behind)
    {
        uint256 revenue;
        Collateral[] calldata collateral = terms.collateral;
        for (uint256 i = 0; i < collateral.length; ++i) {
            uint256 asset = collateral[i].asset;
            address of_;
            if (terms.ltvBps > 0) {
                uint88 value;
                bool fresh;
                (value, fresh, of_) = _appraisals.worthOf(_panel, asset);
                require(fresh, AppraisalExpired(asset));
                worth += value;
            } else {
                of_ = _units.facilityOf(asset);
            }
            if (of_ != address(0)) _requireFit(terms, i, of_);
            require(i == 0 || of_ == behind, UnitsMixed(asset));
            behind = of_;
            if (terms.multipleBps > 0) revenue += _revenueOf(asset);
        }
        worth = worth * terms.ltvBps / BPS;
        capacity = worth + revenue * terms.multipleBps / BPS;
        // All that is lent on an asset is measured against it, first those who are paid first.
        uint256 ahead = terms.ahead;
        worth = worth > ahead ? worth - ahead : 0;
        capacity = capacity > ahead ? capacity - ahead : 0;
    }

    /// @dev What units earn is themselves: it must not be lent on, and must not pass the debt by.
    function _requireFit(Terms calldata terms, uint256 index, address behind) private view {
        uint256 asset = terms.collateral[index].asset;
        require(behind != address(_facility), OwnUnits(asset));
        require(
            terms.ltvBps > 0 && terms.multipleBps == 0 && terms.revenueBps == BPS
                && terms.collateral[index].above == NOTHING_ABOVE,
            UnfitForUnits(asset)
        );
    }

    /// @dev The facility whose units secure a loan that was drawn on.
    function _behindOf(Terms calldata terms) private view returns (address) {
        return _looks() ? _units.facilityOf(terms.collateral[0].asset) : address(0);
    }

    /// @dev Stake for principal that the value does not carry.
    function _coverUp(Terms calldata terms, uint256 principal, uint256 worth)
        private
        pure
        returns (uint256)
    {
        if (principal <= worth) return 0;
        return ((principal - worth) * terms.coverBps + BPS - 1) / BPS;
    }
}
