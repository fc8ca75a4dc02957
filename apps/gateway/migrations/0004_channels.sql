-- Channels by id. Between lives a channel has no deposit; `epoch` counts its lives, `claimed_ever` what all of them paid.
create table chain.channels (
  channel text primary key,
  -- log that opened its latest life
  seq bigint not null,
  payer text not null,
  signer text not null,
  -- the zero address where an asset is paid, and 0 where an account is
  payee text not null,
  asset bigint not null,
  currency text not null,
  close_delay bigint not null,
  salt text not null,
  epoch bigint not null,
  opened_at bigint not null,
  deposit numeric not null,
  claimed numeric not null,
  claimed_ever numeric not null,
  closes_at bigint
);
create index channels_seq on chain.channels (seq);
create index channels_payer on chain.channels (payer, seq);
create index channels_signer on chain.channels (signer, seq);
create index channels_payee on chain.channels (payee, seq);
create index channels_asset on chain.channels (asset, seq);
