-- Signed offers: the truth that every search index is fed from.

-- One row; `seq` counts changes to `offers`. Its row lock makes commits follow the order of the numbers,
-- so a reader that has seen N never misses a change below N.
create table offer_sequence (
  single boolean primary key default true check (single),
  seq bigint not null
);
insert into offer_sequence (seq) values (0);

create table offers (
  id text primary key,
  seq bigint not null unique,
  -- live: can be opened as far as known; otherwise why it is gone
  state text not null check (state in ('live', 'withdrawn', 'expired', 'cancelled', 'opened', 'void')),
  asset numeric(78, 0) not null,
  operator text not null,
  nonce numeric(78, 0) not null,
  expiry bigint not null,
  -- the published offer as it was signed, byte for byte a peer can verify it again
  document jsonb not null,
  -- withdrawal's {at, signature}, for peers
  withdrawal jsonb,
  published_at bigint not null
);
create index offers_asset on offers (asset) where state = 'live';
create index offers_operator_nonce on offers (operator, nonce) where state = 'live';
create index offers_expiry on offers (expiry) where state = 'live';

-- How far each peer gateway's changes were taken.
create table peer_cursors (
  url text primary key,
  since bigint not null
);
