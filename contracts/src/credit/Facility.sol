// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAssets} from "../assets/IAssets.sol";
import {IDebt} from "../till/IDebt.sol";
import {ITill} from "../till/ITill.sol";
import {IAppraisals} from "./IAppraisals.sol";
import {IAuction, ISeller} from "./IAuction.sol";
import {DeskRules} from "./IDesk.sol";
import {BookRules, Draw, IFacility, LoanState, LoanStatus, Opening} from "./IFacility.sol";
import {IDesks, IVaults} from "./IMakers.sol";
import {IVault} from "./IVault.sol";
import {IRanks} from "./IRanks.sol";
import {Loan, LoanMath} from "./Loan.sol";
import {LoanBook} from "./LoanBook.sol";

/// @title A facility
/// @dev Bounds: amounts are below 2^88, times below 2^32, rates below 2^24 parts per million a year; a grace is three
/// epochs or more. Roundings: interest is charged up to the next unit and shown to lenders down; what is left of the plan and the
/// underwriter's premium are rounded down.
/// Trust: till, register, auction and appraisals, all without an owner, and the desk, which this contract made.
/// Money: its account in the till, with what the ranks hold for it, is idle money and stakes, and nothing else counts on it.
/// Outside calls: the till, which calls back into `collect` from every settlement; no loan is held in memory over such a call.
/// `collect` itself calls nobody. Its vaults, which call back into `exit` and touch no loan.
contract Facility is LoanBook {
    using LoanMath for Loan;

    ITill private immutable _till;
    IAssets private immutable _assets;
    IAuction private immutable _auction;
    IAppraisals private immutable _appraisals;
    IRanks private immutable _ranks;
    uint256 private immutable _id;
    uint32 private immutable _grace;
    uint32 private immutable _panel;
    uint16 private immutable _auctionBps;
    uint32 private immutable _auctionHalfLife;
    uint88 private immutable _bounty;
    address public immutable desk;
    address public immutable senior;
    address public immutable junior;

    mapping(uint256 asset => bytes32 loan) public loanOf;
    mapping(address underwriter => uint88) public freeStakeOf;

    modifier onlyDesk() {
        require(msg.sender == desk, NotDesk(msg.sender));
        _;
    }

    modifier onlyVault() {
        require(msg.sender == senior || msg.sender == junior, NotVault(msg.sender));
        _;
    }

    /// @param till_ Holds the money; its admin lists this contract as a debt module.
    /// @param auction_ Where assets of loans in default are sold.
    /// @param appraisals_ What assets are worth.
    /// @param desks Makes the desk, and knows the ranks.
    /// @param vaults Makes the two vaults.
    /// @param curator Lists underwriters.
    /// @param underwriters May sign at once.
    /// @param rules_ Of the book.
    /// @param deskRules What may be lent on.
    constructor(
        ITill till_,
        IAuction auction_,
        IAppraisals appraisals_,
        IDesks desks,
        IVaults vaults,
        address curator,
        address[] memory underwriters,
        BookRules memory rules_,
        DeskRules memory deskRules
    ) LoanBook(rules_.seniorRate, rules_.minJuniorBps, till_.epochLength()) {
        _till = till_;
        _assets = IAssets(till_.assets());
        _auction = auction_;
        _appraisals = appraisals_;
        _ranks = desks.ranks();
        _id = uint160(rules_.currency);
        require(
            rules_.currency != address(0) && rules_.grace >= 3 * _epochLength
                && rules_.auctionHalfLife > 0 && rules_.auctionBps > 0,
            RulesInvalid()
        );
        _grace = rules_.grace;
        _panel = rules_.panel;
        _auctionBps = rules_.auctionBps;
        _auctionHalfLife = rules_.auctionHalfLife;
        _bounty = rules_.bounty;
        desk = desks.create(rules_.panel, rules_.currency, curator, underwriters, deskRules);
        (senior, junior) = vaults.create(rules_.currency);
    }

    // ------------------------------------------------------------------ the debt slot

    /// @inheritdoc IDebt
    function collect(uint256 asset, uint40 boundary, uint128 available, uint128)
        external
        returns (uint128 taken)
    {
        bool ranked = msg.sender == address(_ranks);
        require(ranked || msg.sender == address(_till), NotTill(msg.sender));
        bytes32 id = loanOf[asset];
        if (id == 0) return 0;
        Loan memory loan = _load(id);
        uint256 most = available < type(uint88).max ? available : type(uint88).max;
        if (loan.state == LoanState.Closed) return 0;
        if (loan.state == LoanState.WrittenOff) {
            taken = _recover(id, loan, most);
        } else {
            uint256 time = boundary > loan.since ? boundary : loan.since;
            // The boundary is the first second after what is settled. Epochs fit where the till keeps them.
            uint32 epoch = uint32((boundary - 1) / _epochLength);
            if (loan.observe(epoch, most, _epochLength)) emit SweepChanged(id, loan.sweeps);
            uint256 wanted = loan.wanted(time, most);
            taken = _pay(id, loan, wanted < most ? wanted : most, asset, time);
        }
        if (ranked && taken > 0) _book.away = true;
        _save(id, loan);
    }

    /// @inheritdoc IDebt
    function outstanding(uint256 asset) external view returns (bool) {
        bytes32 id = loanOf[asset];
        return id != 0 && stateOf(id) != LoanState.Closed;
    }

    // ------------------------------------------------------------------ repay, stake

    /// @inheritdoc IFacility
    function repay(bytes32 id, uint88 amount) external returns (uint88 paid) {
        require(amount > 0, ZeroAmount());
        Loan memory loan = _loanOf(id);
        if (loan.state == LoanState.WrittenOff) {
            paid = _recover(id, loan, amount);
        } else {
            require(loan.state != LoanState.Closed, LoanNotIn(id, loan.state));
            uint256 owed = _owed(loan);
            paid = _pay(id, loan, owed < amount ? owed : amount, 0, block.timestamp);
            loan.since = uint32(block.timestamp);
        }
        _save(id, loan);
        _till.transferFrom(msg.sender, address(this), _id, paid);
    }

    /// @inheritdoc IFacility
    function restore(bytes32 id) external {
        Loan memory loan = _loanIn(id, LoanState.Impaired);
        require(loan.dueAt(block.timestamp) == 0, NothingToDo(id));
        _resume(id, loan);
        loan.since = uint32(block.timestamp);
        // It has to show two good epochs first.
        loan.sweeps = loan.dscrBps > 0;
        loan.good = 0;
        _save(id, loan);
    }

    /// @inheritdoc IFacility
    function stake(uint88 amount) external {
        _changeStake(msg.sender, freeStakeOf[msg.sender] + amount);
        _till.transferFrom(msg.sender, address(this), _id, amount);
    }

    /// @inheritdoc IFacility
    function unstake(uint88 amount) external {
        uint88 has = freeStakeOf[msg.sender];
        require(has >= amount, StakeTooLow(msg.sender, has, amount));
        _changeStake(msg.sender, has - amount);
        _send(msg.sender, amount);
    }

    // ------------------------------------------------------------------ desk

    /// @inheritdoc IFacility
    function open(
        bytes32 id,
        Opening calldata opening,
        uint256[] calldata assets,
        Draw calldata first
    ) external onlyDesk returns (uint256 total) {
        require(stateOf(id) == LoanState.None, LoanExists(id));
        for (uint256 i = 0; i < assets.length; ++i) {
            bytes32 other = loanOf[assets[i]];
            require(
                other == 0 || stateOf(other) == LoanState.Closed, AssetSecuresLoan(assets[i], other)
            );
            loanOf[assets[i]] = id;
        }
        Loan memory loan;
        loan.rate = opening.rate;
        loan.premiumBps = opening.premiumBps;
        loan.dscrBps = opening.dscrBps;
        loan.revenueBps = opening.revenueBps;
        loan.rampEnd = opening.rampEnd;
        loan.maturity = opening.maturity;
        loan.hasHistory = opening.isRanked;
        loan.epoch = uint32(block.timestamp / _epochLength);
        // At most 8.
        loan.assetsLeft = uint8(assets.length);
        _enter(id, loan, LoanState.Live);
        return _draw(id, loan, first);
    }

    /// @inheritdoc IFacility
    function lend(bytes32 id, Draw calldata more) external onlyDesk returns (uint256) {
        Loan memory loan = _loanIn(id, LoanState.Live);
        require(!loan.sweeps, LoanSwept(id));
        // A loan without a ramp can be drawn when it is opened.
        require(block.timestamp < loan.rampEnd, RampOver(id, loan.rampEnd));
        return _draw(id, loan, more);
    }

    /// @inheritdoc IFacility
    function payOff(bytes32 id) external onlyDesk returns (uint88 owed) {
        Loan memory loan = _loanOf(id);
        require(
            loan.state == LoanState.Live || loan.state == LoanState.Late
                || loan.state == LoanState.Impaired,
            LoanNotIn(id, loan.state)
        );
        owed = _amount(_owed(loan));
        _pay(id, loan, owed, 0, block.timestamp);
        if (owed == 0) _enter(id, loan, LoanState.Closed);
        _save(id, loan);
    }

    /// @inheritdoc IFacility
    function step(bytes32 id, uint256 worth, bool isSecured, address poker)
        external
        onlyDesk
        returns (LoanState state)
    {
        Loan memory loan = _loanOf(id);
        state = loan.state;
        uint256 grace = _grace;
        if (state == LoanState.Live && loan.isOverdueSince(block.timestamp - grace)) {
            _enter(id, loan, LoanState.Late);
        } else if (state == LoanState.Late && loan.isOverdueSince(block.timestamp - 2 * grace)) {
            _impair(id, loan, worth);
        } else if (state == LoanState.Impaired && loan.isOverdueSince(block.timestamp - 3 * grace))
        {
            if (isSecured) _enter(id, loan, LoanState.Defaulted);
            else _writeOff(id, loan);
        } else {
            revert NothingToDo(id);
        }
        state = loan.state;
        uint88 bounty = _bounty < loan.stake ? _bounty : loan.stake;
        loan.stake -= bounty;
        _save(id, loan);
        if (bounty == 0) return state;
        emit BountyPaid(id, poker, bounty);
        _send(poker, bounty);
    }

    /// @inheritdoc IFacility
    function offer(uint256 asset) external onlyDesk {
        // Somebody before it may have sold this one.
        if (loanOf[asset] == 0) return;
        _auction.start(asset, _startPriceOf(asset), _auctionHalfLife);
    }

    /// @inheritdoc IFacility
    function free(bytes32 id, uint256 needed, address underwriter)
        external
        onlyDesk
        returns (uint88 freed, uint88 drawn)
    {
        Loan memory loan = _loanOf(id);
        if (loan.state == LoanState.Closed || loan.state == LoanState.WrittenOff) {
            (freed, drawn) = (loan.stake, loan.drawn);
            loan.drawn = 0;
        } else {
            require(loan.state == LoanState.Live && !loan.sweeps, LoanNotIn(id, loan.state));
            // At most the stake.
            if (loan.stake > needed) freed = uint88(loan.stake - needed);
        }
        loan.stake -= freed;
        _save(id, loan);
        if (freed == 0) return (freed, drawn);
        emit StakeLocked(id, loan.stake);
        _changeStake(underwriter, freeStakeOf[underwriter] + freed);
    }

    // ------------------------------------------------------------------ the auction

    /// @inheritdoc ISeller
    function deliver(uint256 asset, address to, uint88 price) external {
        require(msg.sender == address(_auction), NotAuction(msg.sender));
        (address debt,,) = _till.lienOf(asset);
        if (debt == address(_ranks)) {
            _till.transfer(debt, _id, price);
            _ranks.sell(asset, to, price);
            return;
        }
        address borrower = _assets.ownerOf(asset);
        // The last revenue of the borrower's time goes to the debt; if that pays all of it, nothing is sold.
        _assets.seize(asset, to);
        (uint88 paid,) = _release(asset, to, price, true);
        if (price > paid) _till.transfer(borrower, _id, price - paid);
    }

    /// @inheritdoc IFacility
    function release(uint256 asset, address to, uint88 most, bool sells)
        external
        returns (uint88 paid, uint256 owed)
    {
        require(msg.sender == address(_ranks), NotRanks(msg.sender));
        return _release(asset, to, most, sells);
    }

    /// @inheritdoc ISeller
    function startPriceOf(uint256 asset) external view returns (uint88) {
        bytes32 id = loanOf[asset];
        return id == 0 || stateOf(id) != LoanState.Defaulted ? 0 : _startPriceOf(asset);
    }

    // ------------------------------------------------------------------ vaults

    /// @inheritdoc IFacility
    function fund(uint256 amount) external onlyVault {
        bool isSenior = msg.sender == senior;
        uint88 fits = _amount(amount);
        _amount(uint256(_book.idle) + _book.principal + amount);
        _book.idle += fits;
        if (isSenior) {
            _addSenior(fits);
            (uint256 total, uint256 junior_) = conservative();
            _requireJunior(total, junior_);
        }
        emit Funded(isSenior, fits);
    }

    /// @inheritdoc IFacility
    function exit(uint256 shares, uint256 supply)
        external
        onlyVault
        returns (uint256 filled, uint88 paid)
    {
        bool isSenior = msg.sender == senior;
        (filled, paid) = _exit(isSenior, shares, supply);
        emit Left(isSenior, filled, paid);
        if (paid > 0) _send(msg.sender, paid);
    }

    /// @inheritdoc IFacility
    function setWaiting() external onlyVault {
        if (msg.sender == senior) _book.seniorWaits = true;
        else _book.juniorWaits = true;
    }

    // ------------------------------------------------------------------ views

    /// @inheritdoc IFacility
    function currency() external view returns (address) {
        return address(uint160(_id));
    }

    /// @inheritdoc IFacility
    function rules() external view returns (BookRules memory) {
        return BookRules({
            currency: address(uint160(_id)),
            seniorRate: _seniorRate,
            minJuniorBps: _minJuniorBps,
            grace: _grace,
            panel: _panel,
            auctionBps: _auctionBps,
            auctionHalfLife: _auctionHalfLife,
            bounty: _bounty
        });
    }

    /// @inheritdoc IFacility
    function statusOf(bytes32 id) external view returns (LoanStatus memory status) {
        Loan memory loan = _load(id);
        status.state = loan.state;
        status.principal = loan.principal;
        status.drawn = loan.drawn;
        status.stake = loan.stake;
        status.trailing = loan.trailing;
        status.isSwept = loan.sweeps;
        status.assetsLeft = loan.assetsLeft;
        status.doubt = _doubtOf[id];
        if (loan.state == LoanState.WrittenOff) return status;
        status.interest = _amount(LoanMath.interestUp(loan.rawAt(block.timestamp)));
        bool all = loan.state > LoanState.Live || loan.sweeps;
        status.due = _amount(all ? _owed(loan) : loan.dueAt(block.timestamp));
    }

    // ------------------------------------------------------------------ internals

    function _draw(bytes32 id, Loan memory loan, Draw calldata one)
        private
        returns (uint256 total)
    {
        loan.since = uint32(block.timestamp);
        uint88 amount = one.amount;
        if (amount == 0) {
            _save(id, loan);
            return 0;
        }
        // A loan that pays another one off takes nothing from those who wait, and what it was paid off with is no money to pay
        // them with.
        if (one.to != address(this)) _serve();
        total = _requireLendable(amount);
        if (one.needed > loan.stake) {
            uint256 more = one.needed - loan.stake;
            uint88 has = freeStakeOf[one.underwriter];
            require(more <= has, StakeTooLow(one.underwriter, has, more));
            loan.stake += uint88(more);
            emit StakeLocked(id, loan.stake);
            _changeStake(one.underwriter, has - uint88(more));
        }
        _lend(loan, amount);
        _save(id, loan);
        emit Drawn(id, one.to, amount, loan.principal);
        _send(one.to, amount);
    }

    /// @dev Lets an asset of a loan go for a price of which the loan gets up to `most`.
    function _release(uint256 asset, address to, uint88 most, bool sells)
        private
        returns (uint88 paid, uint256 owed)
    {
        bytes32 id = loanOf[asset];
        Loan memory loan = sells ? _loanIn(id, LoanState.Defaulted) : _load(id);
        if (loan.state == LoanState.None || loan.state == LoanState.Closed) return (0, 0);
        delete loanOf[asset];
        --loan.assetsLeft;
        if (loan.state == LoanState.WrittenOff) {
            owed = uint256(loan.principal) + loan.trailing;
            paid = _recover(id, loan, most);
        } else {
            owed = _owed(loan);
            paid = _pay(id, loan, owed < most ? owed : most, 0, block.timestamp);
            if (loan.state != LoanState.Closed) {
                // What it was lent on was sold by somebody before it.
                if (loan.accrues()) _impair(id, loan, 0);
                if (loan.assetsLeft == 0) _writeOff(id, loan);
            }
        }
        emit Sold(id, asset, to, most, most - paid);
        _save(id, loan);
    }

    function _send(address to, uint256 amount) private {
        if (_book.away) {
            _book.away = false;
            _ranks.forward(address(this));
        }
        _till.transfer(to, _id, amount);
    }

    /// @dev Lenders who wait are paid as far as money reaches: a few shares that ask to leave cannot hold borrowers up. Junior that
    /// still waits then does so because senior needs it.
    function _serve() private {
        if (_book.seniorWaits) IVault(senior).serve();
        if (_book.juniorWaits) IVault(junior).serve();
        require(!_book.seniorWaits, LendersWait());
    }

    function _pay(bytes32 id, Loan memory loan, uint256 amount, uint256 from, uint256 time)
        private
        returns (uint88)
    {
        if (amount == 0) return 0;
        (uint88 interest, uint88 principal) = _apply(id, loan, amount, time);
        emit Repaid(id, from, interest, principal, uint40(time));
        return interest + principal;
    }

    function _changeStake(address underwriter, uint88 to) private {
        freeStakeOf[underwriter] = to;
        emit StakeChanged(underwriter, to);
    }

    function _startPriceOf(uint256 asset) private view returns (uint88) {
        (uint88 value_,) = _appraisals.valueOf(_panel, asset);
        uint256 price = uint256(value_) * _auctionBps / LoanMath.BPS;
        if (price == 0) return 1;
        return price < type(uint88).max ? uint88(price) : type(uint88).max;
    }

    function _owed(Loan memory loan) private view returns (uint256) {
        return LoanMath.interestUp(loan.rawAt(block.timestamp)) + loan.principal;
    }

    function _loanOf(bytes32 id) private view returns (Loan memory loan) {
        loan = _load(id);
        require(loan.state != LoanState.None, LoanUnknown(id));
    }

    function _loanIn(bytes32 id, LoanState state) private view returns (Loan memory loan) {
        loan = _load(id);
        require(loan.state == state, LoanNotIn(id, loan.state));
    }
}
