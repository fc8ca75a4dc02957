-- What the chain says, and nothing else: every row here can be made again from the chain's events alone.
create schema chain;

-- How far the index has come. `deployment` names the contracts and where they start; another one means another index.
-- `floor` is the lowest block the journal can roll back to. The row's lock makes one writer at a time.
create table chain.head (
  single boolean primary key default true check (single),
  deployment text not null,
  block bigint not null,
  hash text not null,
  time bigint not null,
  floor bigint not null
);

-- Blocks from `floor` to the head.
create table chain.blocks (
  number bigint primary key,
  hash text not null,
  time bigint not null
);

-- What a row was before a block changed it; null where there was none. Kept from `floor` on.
create table chain.journal (
  block bigint not null,
  relation text not null,
  key text not null,
  before jsonb
);
create index journal_block on chain.journal (block);

create table chain.assets (
  asset bigint primary key,
  owner text not null,
  operator text not null,
  kind int not null,
  device text not null,
  currency text not null,
  spec text not null,
  uri text not null,
  registered_at bigint not null,
  opened bigint not null,
  -- leases that started; that ended without a start by the operator's fault; that the operator stopped early
  started bigint not null,
  lapsed bigint not null,
  broken bigint not null,
  settled bigint not null,
  earned numeric not null
);
create index assets_owner on chain.assets (owner, asset);
create index assets_operator on chain.assets (operator, asset);

-- `seq` is block × 2^20 + position of the log that made the row: the order in which things happened.
create table chain.leases (
  lease text primary key,
  seq bigint not null,
  state int not null,
  asset bigint not null,
  buyer text not null,
  operator text not null,
  price_per_hour numeric not null,
  deposit numeric not null,
  bond numeric not null,
  duration bigint not null,
  spec text not null,
  terms text not null,
  opened_at bigint not null,
  start_by bigint not null,
  started_at bigint,
  ends_at bigint,
  stopped_at bigint,
  stopped_by text,
  settled_at bigint,
  earned numeric,
  refunded numeric,
  bond_to_buyer numeric,
  opened_tx text not null
);
create index leases_seq on chain.leases (seq);
create index leases_buyer on chain.leases (buyer, seq);
create index leases_operator on chain.leases (operator, seq);
create index leases_asset on chain.leases (asset, seq);

create table chain.tills (
  asset bigint primary key,
  -- revenue collected in the open bucket, and its epoch
  epoch bigint not null,
  bucket numeric not null,
  -- everything ever paid in, royalties pulled included
  revenue numeric not null,
  payments bigint not null,
  settled_epoch bigint,
  settled_boundary bigint,
  paid_fee numeric not null,
  paid_upstream numeric not null,
  paid_costs numeric not null,
  paid_debt numeric not null,
  paid_shares numeric not null,
  paid_owner numeric not null,
  -- as upstream: accrued to this asset and not yet pulled; pulled so far
  royalties_due numeric not null,
  royalties_pulled numeric not null,
  upstream jsonb not null,
  costs_per_day numeric not null,
  costs_cap numeric not null,
  debt text not null,
  debt_held numeric not null,
  shares text not null,
  shares_bps int not null
);

-- Balances in the till, an account and currency.
create table chain.accounts (
  account text not null,
  currency text not null,
  balance numeric not null,
  deposited numeric not null,
  withdrawn numeric not null,
  primary key (account, currency)
);

create table chain.currencies (
  currency text primary key,
  deposited numeric not null,
  withdrawn numeric not null
);

create table chain.payments (
  seq bigint primary key,
  asset bigint not null,
  payer text not null,
  epoch bigint not null,
  amount numeric not null,
  time bigint not null,
  tx text not null
);
create index payments_asset on chain.payments (asset, seq);

create table chain.cancellations (
  operator text not null,
  nonce numeric not null,
  seq bigint not null,
  primary key (operator, nonce)
);
create index cancellations_seq on chain.cancellations (seq);

create table chain.series (
  operator text primary key,
  series numeric not null
);
