-- Money that moved: between accounts, into tills and out of them, as far as no other table tells it. Payments stand in chain.payments.
create table chain.moves (
  seq bigint not null,
  -- a settlement moves money to several at once
  part bigint not null,
  -- an account, or 'asset 7'
  sender text not null,
  receiver text not null,
  currency text not null,
  amount numeric not null,
  time bigint not null,
  primary key (seq, part)
);
-- What was indexed before has no moves: the index is made again from the chain.
delete from chain.head;
