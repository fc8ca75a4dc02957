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
  -- live: can be opened as far as known, until it expires; otherwise why it cannot.
  -- void: the asset has another operator now, or is not registered (any more)
  state text not null check (state in ('live', 'withdrawn', 'cancelled', 'opened', 'void')),
  asset numeric(78, 0) not null,
  operator text not null,
  nonce numeric(78, 0) not null,
  expiry bigint not null,
  -- what search looks at, as a JSON array; derived from the document
  facets text not null,
  -- the offer as it was published, as JSON
  document text not null,
  -- {at, signature} of the withdrawal, as JSON
  withdrawal text,
  published_at bigint not null
);
create index offers_asset on offers (asset);
create index offers_operator on offers (operator);
create index offers_expiry on offers (expiry);

-- How far each peer gateway's changes were taken.
create table peer_cursors (
  url text primary key,
  since bigint not null
);
