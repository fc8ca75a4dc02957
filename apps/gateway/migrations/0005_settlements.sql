-- Payments that this gateway's facilitator settles (payments §4), one row for each authorization.
create table settlements (
  -- network, token, payer and nonce
  key text primary key,
  -- failed ones may be sent anew
  state text not null check (state in ('sent', 'settled', 'failed')),
  -- what was written since it was last sent, oldest first, each as JSON
  entries text[] not null
);
create index settlements_sent on settlements (key) where state = 'sent';

-- What was paid for, and asks to be listed; by whom it was paid to, for anyone can name a resource of somebody else.
create table paid_resources (
  resource text not null,
  pay_to text not null,
  -- accepts and metadata, as JSON
  accepts text not null,
  metadata text not null,
  -- Unix milliseconds
  paid_at bigint not null,
  primary key (resource, pay_to)
);
create index paid_resources_paid on paid_resources (paid_at desc, resource, pay_to);
